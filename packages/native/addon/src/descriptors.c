// Descriptors that are not sockets: memory files, eventfds, terminals, and what a descriptor is.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "native.h"

static napi_value memfd_create_(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  char name[128];
  size_t length;
  uint64_t size;
  bool sealed;
  if (!get_arguments(env, info, 3, arguments)) return NULL;
  if (napi_get_value_string_utf8(env, arguments[0], name, sizeof name, &length) != napi_ok) {
    return throw_type(env, "a name must be a string");
  }
  if (!get_size(env, arguments[1], &size) || !get_option(env, arguments[2], "sealed", &sealed)) return NULL;

  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return throw_errno(env, errno, "memfd_create");
  if (ftruncate(fd, (off_t)size) < 0) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, "ftruncate");
  }
  if (sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, "fcntl");
  }
  return make_number(env, fd);
}

static napi_value eventfd_(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint32_t initial;
  bool nonblocking, semaphore;
  if (!get_arguments(env, info, 2, arguments) || !get_uint32(env, arguments[0], &initial) ||
      !get_option(env, arguments[1], "nonblocking", &nonblocking) ||
      !get_option(env, arguments[1], "semaphore", &semaphore)) {
    return NULL;
  }
  int fd = eventfd(initial, EFD_CLOEXEC | (nonblocking ? EFD_NONBLOCK : 0) | (semaphore ? EFD_SEMAPHORE : 0));
  return fd < 0 ? throw_errno(env, errno, "eventfd") : make_number(env, fd);
}

// True where the descriptor has an event (or its counter has room); an eventfd that would block must not stop the thread.
static bool ready(int fd, short events) {
  struct pollfd entry = {.fd = fd, .events = events};
  return poll(&entry, 1, 0) == 1 && (entry.revents & events) != 0;
}

static napi_value signal_eventfd(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result;
  int fd;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  uint64_t one = 1;
  bool signalled = ready(fd, POLLOUT);
  // A full counter stays signalled all the same.
  if (signalled && write(fd, &one, sizeof one) < 0) {
    if (errno != EAGAIN) return throw_errno(env, errno, "write");
    signalled = false;
  } else if (!signalled && fcntl(fd, F_GETFD) < 0) {
    return throw_errno(env, errno, "write");
  }
  return napi_get_boolean(env, signalled, &result) == napi_ok ? result : NULL;
}

static napi_value read_eventfd(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int fd;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  uint64_t count = 0;
  if (!ready(fd, POLLIN)) {
    return fcntl(fd, F_GETFD) < 0 ? throw_errno(env, errno, "read") : make_number(env, 0);
  }
  if (read(fd, &count, sizeof count) < 0) {
    return errno == EAGAIN ? make_number(env, 0) : throw_errno(env, errno, "read");
  }
  return make_number(env, (double)count);
}

static napi_value close_(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int fd;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  return close(fd) < 0 && errno != EINTR ? throw_errno(env, errno, "close") : make_undefined(env);
}

static napi_value dup_(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int fd;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? throw_errno(env, errno, "fcntl") : make_number(env, copy);
}

static napi_value get_flags(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int fd;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? throw_errno(env, errno, "fcntl") : make_number(env, flags);
}

static napi_value file_type(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result;
  int fd;
  struct stat status;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  if (fstat(fd, &status) < 0) return throw_errno(env, errno, "fstat");

  const char *type = "other";
  if (S_ISREG(status.st_mode)) type = "file";
  if (S_ISFIFO(status.st_mode)) type = "pipe";
  if (S_ISCHR(status.st_mode)) type = "character-device";
  if (S_ISSOCK(status.st_mode)) {
    int listening = 0;
    socklen_t length = sizeof listening;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length);
    type = listening ? "listening-socket" : "socket";
  }
  return napi_create_string_utf8(env, type, NAPI_AUTO_LENGTH, &result) == napi_ok ? result : NULL;
}

// Blocks the thread, for who has to have an answer before it can return.
static napi_value wait_ready(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  int fd;
  bool readable, writable;
  uint32_t timeout;
  if (!get_arguments(env, info, 3, arguments) || !get_descriptor(env, arguments[0], &fd) ||
      !get_option(env, arguments[1], "readable", &readable) ||
      !get_option(env, arguments[1], "writable", &writable) || !get_uint32(env, arguments[2], &timeout)) {
    return NULL;
  }
  struct pollfd entry = {.fd = fd, .events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0))};
  int count = poll(&entry, 1, timeout > INT32_MAX ? INT32_MAX : (int)timeout);
  if (count < 0 && errno != EINTR) return throw_errno(env, errno, "poll");
  if (entry.revents & POLLNVAL) return throw_errno(env, EBADF, "poll");
  return napi_get_boolean(env, count > 0, &result) == napi_ok ? result : NULL;
}

// The master's side of a new terminal in raw mode, and the path of the other side.
static napi_value open_terminal(napi_env env, napi_callback_info info) {
  (void)info;
  char path[64];
  struct termios mode;
  int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return throw_errno(env, errno, "posix_openpt");
  if (grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, path, sizeof path) != 0 || tcgetattr(fd, &mode) < 0) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, "unlockpt");
  }
  cfmakeraw(&mode);
  tcsetattr(fd, TCSANOW, &mode);
  // Reads tell that the other side is closed only after it was open once.
  int other = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (other >= 0) close(other);
  napi_value result, name;
  if (napi_create_object(env, &result) != napi_ok ||
      napi_create_string_utf8(env, path, NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_set_named_property(env, result, "fd", make_number(env, fd)) != napi_ok ||
      napi_set_named_property(env, result, "path", name) != napi_ok) {
    close(fd);
    return NULL;
  }
  return result;
}

static napi_value thread_id(napi_env env, napi_callback_info info) {
  (void)info;
  return make_number(env, (double)syscall(SYS_gettid));
}

void register_descriptors(napi_env env, napi_value exports) {
  register_function(env, exports, "memfdCreate", memfd_create_);
  register_function(env, exports, "eventfd", eventfd_);
  register_function(env, exports, "signalEventfd", signal_eventfd);
  register_function(env, exports, "readEventfd", read_eventfd);
  register_function(env, exports, "close", close_);
  register_function(env, exports, "dup", dup_);
  register_function(env, exports, "getFlags", get_flags);
  register_function(env, exports, "fileType", file_type);
  register_function(env, exports, "waitReady", wait_ready);
  register_function(env, exports, "openTerminal", open_terminal);
  register_function(env, exports, "threadId", thread_id);
}
