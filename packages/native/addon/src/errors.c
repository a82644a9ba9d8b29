#include <stdio.h>
#include <uv.h>

#include "native.h"

napi_value throw_errno(napi_env env, int error, const char *syscall) {
  int status = uv_translate_sys_error(error);
  char message[256];
  snprintf(message, sizeof message, "%s: %s, %s", uv_err_name(status), uv_strerror(status), syscall);

  napi_value code, text, name, number, result;
  if (napi_create_string_utf8(env, uv_err_name(status), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text) != napi_ok ||
      napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_int32(env, status, &number) != napi_ok ||
      napi_create_error(env, code, text, &result) != napi_ok) {
    return NULL;
  }
  napi_set_named_property(env, result, "errno", number);
  napi_set_named_property(env, result, "syscall", name);
  napi_throw(env, result);
  return NULL;
}

napi_value throw_type(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

napi_value throw_range(napi_env env, const char *message) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}
