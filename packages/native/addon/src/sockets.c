// Bytes and descriptors over connected sockets.
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define MAX_CHUNKS 64
// The kernel's own limit for one message (SCM_MAX_FD).
#define MAX_SENT_DESCRIPTORS 253
#define MAX_RECEIVED_DESCRIPTORS 16

static bool get_descriptors(napi_env env, napi_value array, int *fds, uint32_t *count) {
  if (napi_get_array_length(env, array, count) != napi_ok) {
    throw_type(env, "descriptors must be an array");
    return false;
  }
  if (*count > MAX_SENT_DESCRIPTORS) {
    throw_range(env, "more than 253 descriptors in one message");
    return false;
  }
  for (uint32_t i = 0; i < *count; i++) {
    napi_value element;
    if (napi_get_element(env, array, i, &element) != napi_ok || !get_descriptor(env, element, &fds[i])) return false;
  }
  return true;
}

static napi_value sendmsg_(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  int fd, fds[MAX_SENT_DESCRIPTORS];
  uint32_t chunks, count;
  struct iovec vector[MAX_CHUNKS];
  if (!get_arguments(env, info, 3, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  if (napi_get_array_length(env, arguments[1], &chunks) != napi_ok) return throw_type(env, "chunks must be an array");
  if (!get_descriptors(env, arguments[2], fds, &count)) return NULL;
  // What does not fit goes out with the next call, as after any short write.
  if (chunks > MAX_CHUNKS) chunks = MAX_CHUNKS;
  for (uint32_t i = 0; i < chunks; i++) {
    napi_value element;
    struct bytes bytes;
    if (napi_get_element(env, arguments[1], i, &element) != napi_ok || !get_uint8_array(env, element, &bytes)) {
      return NULL;
    }
    vector[i] = (struct iovec){.iov_base = bytes.data, .iov_len = bytes.length};
  }

  union {
    char space[CMSG_SPACE(sizeof(int) * MAX_SENT_DESCRIPTORS)];
    struct cmsghdr align;
  } control;
  struct msghdr message = {.msg_iov = vector, .msg_iovlen = chunks};
  if (count > 0) {
    memset(&control, 0, CMSG_SPACE(sizeof(int) * count));
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
  }
  ssize_t sent;
  do {
    sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) return throw_errno(env, errno, "sendmsg");
  return make_number(env, sent < 0 ? 0 : (double)sent);
}

// Reads once. Returns the byte count, 0 at the end, -1 where nothing is there, -2 after an error (errno).
static ssize_t receive(int fd, uint8_t *data, size_t length, int *fds, size_t *count, bool *truncated) {
  union {
    char space[CMSG_SPACE(sizeof(int) * MAX_RECEIVED_DESCRIPTORS)];
    struct cmsghdr align;
  } control;
  struct iovec vector = {.iov_base = data, .iov_len = length};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t received;
  do {
    received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  *count = 0;
  *truncated = false;
  if (received < 0) return errno == EAGAIN ? -1 : -2;
  *truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here; i++) {
      int received_fd;
      memcpy(&received_fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      if (*count < MAX_RECEIVED_DESCRIPTORS) {
        fds[(*count)++] = received_fd;
      } else {
        close(received_fd);
        *truncated = true;
      }
    }
  }
  return received;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// As receive, but gives others the CPU until something is there, for no longer than `wait` microseconds. A peer on the same
// CPU runs at once, and one on another is seen at once: to sleep until a descriptor is ready costs twice as much.
static ssize_t receive_soon(
    int fd, uint8_t *data, size_t length, int *fds, size_t *count, bool *truncated, uint32_t wait) {
  int64_t deadline = nanoseconds() + (int64_t)wait * 1000;
  ssize_t received;
  do {
    sched_yield();
    received = receive(fd, data, length, fds, count, truncated);
  } while (received == -1 && nanoseconds() < deadline);
  return received;
}

static bool make_descriptors(napi_env env, const int *fds, size_t count, napi_value *array) {
  if (napi_create_array_with_length(env, count, array) != napi_ok) return false;
  for (size_t i = 0; i < count; i++) napi_set_element(env, *array, (uint32_t)i, make_number(env, fds[i]));
  return true;
}

static napi_value recvmsg_(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result, array, flag;
  int fd, fds[MAX_RECEIVED_DESCRIPTORS];
  size_t count;
  bool truncated;
  struct bytes into;
  if (!get_arguments(env, info, 2, arguments) || !get_descriptor(env, arguments[0], &fd) ||
      !get_uint8_array(env, arguments[1], &into)) {
    return NULL;
  }
  if (into.length == 0) return throw_range(env, "no room to receive into");
  ssize_t length = receive(fd, into.data, into.length, fds, &count, &truncated);
  if (length == -2) return throw_errno(env, errno, "recvmsg");
  if (napi_create_object(env, &result) != napi_ok || !make_descriptors(env, fds, count, &array) ||
      napi_get_boolean(env, truncated, &flag) != napi_ok) {
    for (size_t i = 0; i < count; i++) close(fds[i]);
    return NULL;
  }
  napi_set_named_property(env, result, "length", make_number(env, (double)length));
  napi_set_named_property(env, result, "fds", array);
  napi_set_named_property(env, result, "truncated", flag);
  return result;
}

// receive(fd, into, start, end, fds, waitMicroseconds): one read into that range, without an object for its result.
// Descriptors are appended to `fds`. Returns the byte count, 0 at the end, -1 where nothing is there.
static napi_value receive_range(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  int fd, fds[MAX_RECEIVED_DESCRIPTORS];
  uint32_t start, end, known, wait = 0;
  struct bytes into;
  napi_valuetype type;
  if (!get_arguments(env, info, 6, arguments) || !get_descriptor(env, arguments[0], &fd) ||
      !get_uint8_array(env, arguments[1], &into) || !get_uint32(env, arguments[2], &start) ||
      !get_uint32(env, arguments[3], &end) || napi_typeof(env, arguments[5], &type) != napi_ok ||
      (type != napi_undefined && !get_uint32(env, arguments[5], &wait))) {
    return NULL;
  }
  if (start >= end || end > into.length) return throw_range(env, "the range to receive is empty or out of bounds");
  if (napi_get_array_length(env, arguments[4], &known) != napi_ok) {
    return throw_type(env, "descriptors must be an array");
  }
  size_t count;
  bool truncated;
  uint8_t *data = into.data + start;
  ssize_t length = wait > 0 ? receive_soon(fd, data, end - start, fds, &count, &truncated, wait)
                            : receive(fd, data, end - start, fds, &count, &truncated);
  if (length == -2) return throw_errno(env, errno, "recvmsg");
  for (size_t i = 0; i < count; i++) {
    napi_set_element(env, arguments[4], known + (uint32_t)i, make_number(env, fds[i]));
  }
  // The kernel has closed what did not fit; the message is not what its sender meant.
  if (truncated) return throw_errno(env, EMSGSIZE, "recvmsg");
  return make_number(env, (double)length);
}

static napi_value socketpair_(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
    return throw_errno(env, errno, "socketpair");
  }
  return make_descriptors(env, fds, 2, &result) ? result : NULL;
}

void register_sockets(napi_env env, napi_value exports) {
  register_function(env, exports, "sendmsg", sendmsg_);
  register_function(env, exports, "recvmsg", recvmsg_);
  register_function(env, exports, "receive", receive_range);
  register_function(env, exports, "socketpair", socketpair_);
}
