// Listening on and connecting to unix sockets. A name that starts with NUL is in the abstract namespace.
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "native.h"

static bool get_address(napi_env env, napi_value value, struct sockaddr_un *address, socklen_t *length) {
  char path[sizeof address->sun_path + 2];
  size_t bytes;
  if (napi_get_value_string_utf8(env, value, path, sizeof path, &bytes) != napi_ok || bytes == 0) {
    throw_type(env, "a socket path must be a string that is not empty");
    return false;
  }
  // Unlike the kernel, ask for the final NUL of a path, so that every program can reach it.
  if (bytes + (path[0] != '\0') > sizeof address->sun_path) {
    throw_errno(env, ENAMETOOLONG, "bind or connect to a unix socket (at most 107 bytes)");
    return false;
  }
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, bytes);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + (path[0] != '\0'));
  return true;
}

static int unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

static napi_value fail(napi_env env, int fd, const char *syscall) {
  int error = errno;
  if (fd >= 0) close(fd);
  return throw_errno(env, error, syscall);
}

static napi_value listen_unix(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct sockaddr_un address;
  socklen_t length;
  uint32_t backlog;
  if (!get_arguments(env, info, 2, arguments) || !get_address(env, arguments[0], &address, &length) ||
      !get_uint32(env, arguments[1], &backlog)) {
    return NULL;
  }
  int fd = unix_socket();
  if (fd < 0) return fail(env, fd, "socket");
  if (bind(fd, (struct sockaddr *)&address, length) < 0) return fail(env, fd, "bind");
  if (listen(fd, backlog > 4096 ? 4096 : (int)backlog) < 0) {
    int error = errno;
    if (address.sun_path[0] != '\0') unlink(address.sun_path);
    errno = error;
    return fail(env, fd, "listen");
  }
  return make_number(env, fd);
}

static napi_value connect_unix(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  struct sockaddr_un address;
  socklen_t length;
  if (!get_arguments(env, info, 1, arguments) || !get_address(env, arguments[0], &address, &length)) return NULL;
  int fd = unix_socket();
  if (fd < 0) return fail(env, fd, "socket");
  // A unix socket connects at once or, with a full backlog, fails with EAGAIN.
  if (connect(fd, (struct sockaddr *)&address, length) < 0) return fail(env, fd, "connect");
  return make_number(env, fd);
}

static napi_value accept_(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int fd, accepted;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  do {
    accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted < 0 && errno != EAGAIN) return throw_errno(env, errno, "accept4");
  return accepted < 0 ? make_undefined(env) : make_number(env, accepted);
}

// setSendBuffer(fd, bytes): asks for that much room for what was sent and not yet received; returns what the kernel grants.
static napi_value set_send_buffer(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  int fd;
  uint32_t bytes;
  if (!get_arguments(env, info, 2, arguments) || !get_descriptor(env, arguments[0], &fd) ||
      !get_uint32(env, arguments[1], &bytes)) {
    return NULL;
  }
  int size = bytes > INT32_MAX ? INT32_MAX : (int)bytes;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0) return throw_errno(env, errno, "setsockopt");
  socklen_t length = sizeof size;
  if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) < 0) return throw_errno(env, errno, "getsockopt");
  return make_number(env, size);
}

// unreadBytes(fd): how much of what was sent its peer has not read yet.
static napi_value unread_bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  int fd, unread;
  if (!get_arguments(env, info, 1, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  if (ioctl(fd, SIOCOUTQ, &unread) < 0) return throw_errno(env, errno, "ioctl");
  return make_number(env, unread);
}

void register_unix_sockets(napi_env env, napi_value exports) {
  register_function(env, exports, "listenUnix", listen_unix);
  register_function(env, exports, "connectUnix", connect_unix);
  register_function(env, exports, "accept", accept_);
  register_function(env, exports, "setSendBuffer", set_send_buffer);
  register_function(env, exports, "unreadBytes", unread_bytes);
}
