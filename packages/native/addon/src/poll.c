// Readiness of a descriptor on the event loop of the thread that asked.
#include <stdlib.h>
#include <uv.h>

#include "native.h"

// Lives until the handle is closed and the JavaScript object is collected, whichever comes last.
struct poll {
  uv_poll_t handle;
  napi_env env;
  napi_ref object;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  int events;
  bool closing;
  bool closed;
  bool collected;
};

static const napi_type_tag poll_tag = {0x2b1d7a3c9e584f16, 0x8c40e7d21b6935fa};

static void release(struct poll *poll) {
  if (poll->closed && poll->collected) free(poll);
}

static void on_closed(uv_handle_t *handle) {
  struct poll *poll = handle->data;
  poll->closed = true;
  napi_remove_async_cleanup_hook(poll->hook);
  release(poll);
}

static void begin_close(struct poll *poll) {
  if (poll->closing) return;
  poll->closing = true;
  uv_close((uv_handle_t *)&poll->handle, on_closed);
}

// From now on the object may be collected, and no callback comes.
static void forget(napi_env env, struct poll *poll) {
  if (poll->callback == NULL) return;
  napi_delete_reference(env, poll->callback);
  napi_async_destroy(env, poll->context);
  poll->callback = NULL;
  napi_reference_unref(env, poll->object, NULL);
}

// The thread ends: the loop runs once more to close what is open.
static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  begin_close(data);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)hint;
  struct poll *poll = data;
  if (poll->object != NULL) napi_delete_reference(env, poll->object);
  poll->object = NULL;
  poll->collected = true;
  release(poll);
}

static void on_ready(uv_poll_t *handle, int status, int events) {
  struct poll *poll = handle->data;
  napi_env env = poll->env;
  napi_handle_scope scope;
  if (poll->callback == NULL || napi_open_handle_scope(env, &scope) != napi_ok) return;

  napi_value object, callback, arguments[3];
  // With an error (a peer that has reset the connection) every attempt to read or write will tell. libuv has stopped, but
  // there may be bytes to read before the attempt that tells.
  bool failed = status < 0;
  if (failed && (poll->events & (UV_READABLE | UV_WRITABLE)) != 0) uv_poll_start(handle, poll->events, on_ready);
  if (napi_get_reference_value(env, poll->object, &object) == napi_ok &&
      napi_get_reference_value(env, poll->callback, &callback) == napi_ok &&
      napi_get_boolean(env, failed || (events & UV_READABLE), &arguments[0]) == napi_ok &&
      napi_get_boolean(env, failed || (events & UV_WRITABLE), &arguments[1]) == napi_ok &&
      napi_get_boolean(env, failed || (events & (UV_DISCONNECT | UV_PRIORITIZED)), &arguments[2]) == napi_ok) {
    napi_status called = napi_make_callback(env, poll->context, object, callback, 3, arguments, NULL);
    napi_value error;
    if (called == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

static struct poll *get_poll(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  napi_value this_value;
  size_t given = count;
  bool ours = false;
  void *poll;
  if (napi_get_cb_info(env, info, &given, arguments, &this_value, NULL) != napi_ok) return NULL;
  if (napi_check_object_type_tag(env, this_value, &poll_tag, &ours) != napi_ok || !ours ||
      napi_unwrap(env, this_value, &poll) != napi_ok) {
    throw_type(env, "not a poll");
    return NULL;
  }
  return poll;
}

static napi_value watch(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  bool readable, writable, hangup;
  struct poll *poll = get_poll(env, info, 1, arguments);
  if (poll == NULL || !get_option(env, arguments[0], "readable", &readable) ||
      !get_option(env, arguments[0], "writable", &writable) ||
      !get_option(env, arguments[0], "hangup", &hangup)) {
    return NULL;
  }
  if (poll->closing) return throw_errno(env, EBADF, "poll");
  // The kernel tells of a hangup whatever else is watched; urgent data, which nobody sends, stand for nothing else.
  int events = poll->events = (readable ? UV_READABLE | UV_DISCONNECT : 0) | (writable ? UV_WRITABLE : 0) |
               (hangup ? UV_PRIORITIZED : 0);
  int status = events == 0 ? uv_poll_stop(&poll->handle) : uv_poll_start(&poll->handle, events, on_ready);
  return status < 0 ? throw_errno(env, -status, "poll") : make_undefined(env);
}

static napi_value close_poll(napi_env env, napi_callback_info info) {
  struct poll *poll = get_poll(env, info, 0, NULL);
  if (poll == NULL) return NULL;
  // Stopped at once: the owner may close the descriptor as soon as this returns.
  begin_close(poll);
  forget(env, poll);
  return make_undefined(env);
}

// What makes the objects is made once: functions of their own would cost each of them more than all the rest.
static napi_value construct(napi_env env, napi_callback_info info) {
  napi_value this_value;
  return napi_get_cb_info(env, info, NULL, NULL, &this_value, NULL) == napi_ok ? this_value : NULL;
}

static napi_value poll_(napi_env env, napi_callback_info info) {
  napi_value arguments[2], constructor, object, name;
  void *reference;
  napi_valuetype type;
  int fd;
  uv_loop_t *loop;
  if (!get_arguments(env, info, 2, arguments) || !get_descriptor(env, arguments[0], &fd)) return NULL;
  if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
    return throw_type(env, "the callback must be a function");
  }
  if (napi_get_cb_info(env, info, NULL, NULL, NULL, &reference) != napi_ok ||
      napi_get_reference_value(env, reference, &constructor) != napi_ok ||
      napi_new_instance(env, constructor, 0, NULL, &object) != napi_ok ||
      napi_get_uv_event_loop(env, &loop) != napi_ok ||
      napi_create_string_utf8(env, "godwit:poll", NAPI_AUTO_LENGTH, &name) != napi_ok) {
    return NULL;
  }
  struct poll *poll = calloc(1, sizeof *poll);
  if (poll == NULL) return throw_errno(env, ENOMEM, "poll");
  int status = uv_poll_init(loop, &poll->handle, fd);
  if (status < 0) {
    free(poll);
    return throw_errno(env, -status, "poll");
  }
  poll->handle.data = poll;
  poll->env = env;
  napi_add_async_cleanup_hook(env, on_teardown, poll, &poll->hook);
  napi_type_tag_object(env, object, &poll_tag);
  napi_wrap(env, object, poll, on_collected, NULL, &poll->object);
  napi_reference_ref(env, poll->object, NULL);
  napi_create_reference(env, arguments[1], 1, &poll->callback);
  napi_async_init(env, object, name, &poll->context);
  return object;
}

void register_poll(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      {.utf8name = "watch", .method = watch, .attributes = napi_default_method},
      {.utf8name = "close", .method = close_poll, .attributes = napi_default_method},
  };
  napi_value constructor, function;
  napi_ref reference;
  if (napi_define_class(env, "Poll", NAPI_AUTO_LENGTH, construct, NULL, 2, methods, &constructor) == napi_ok &&
      napi_create_reference(env, constructor, 1, &reference) == napi_ok &&
      napi_create_function(env, "poll", NAPI_AUTO_LENGTH, poll_, reference, &function) == napi_ok) {
    napi_set_named_property(env, exports, "poll", function);
  }
}
