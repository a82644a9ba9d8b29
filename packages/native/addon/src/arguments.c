#include <limits.h>
#include <math.h>

#include "native.h"

bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  return napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok;
}

static bool get_integer(napi_env env, napi_value value, double maximum, const char *what, double *number) {
  if (napi_get_value_double(env, value, number) != napi_ok) {
    throw_type(env, what);
    return false;
  }
  if (!(*number >= 0 && *number <= maximum) || *number != floor(*number)) {
    throw_range(env, what);
    return false;
  }
  return true;
}

bool get_descriptor(napi_env env, napi_value value, int *fd) {
  double number;
  if (!get_integer(env, value, INT_MAX, "a descriptor must be an integer of at least 0", &number)) return false;
  *fd = (int)number;
  return true;
}

bool get_size(napi_env env, napi_value value, uint64_t *size) {
  double number;
  if (!get_integer(env, value, 9007199254740991.0, "a size must be an integer from 0 to 2^53 - 1", &number)) return false;
  *size = (uint64_t)number;
  return true;
}

bool get_uint32(napi_env env, napi_value value, uint32_t *number) {
  double given;
  if (!get_integer(env, value, UINT32_MAX, "a number must be an integer from 0 to 2^32 - 1", &given)) return false;
  *number = (uint32_t)given;
  return true;
}

bool get_boolean(napi_env env, napi_value value, bool *flag) {
  if (napi_get_value_bool(env, value, flag) == napi_ok) return true;
  throw_type(env, "a flag must be a boolean");
  return false;
}

bool get_option(napi_env env, napi_value options, const char *name, bool *flag) {
  *flag = false;
  napi_valuetype type;
  napi_value value;
  if (napi_typeof(env, options, &type) != napi_ok) return false;
  if (type == napi_undefined) return true;
  if (type != napi_object) {
    throw_type(env, "options must be an object");
    return false;
  }
  if (napi_get_named_property(env, options, name, &value) != napi_ok) return false;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  return type == napi_undefined || get_boolean(env, value, flag);
}

bool get_uint8_array(napi_env env, napi_value value, struct bytes *bytes) {
  napi_typedarray_type type;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, &bytes->length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    throw_type(env, "bytes must be a Uint8Array");
    return false;
  }
  bytes->data = data;
  return true;
}

bool get_uint32_array(napi_env env, napi_value value, uint32_t **words, size_t *length) {
  napi_typedarray_type type;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint32_array) {
    throw_type(env, "words must be a Uint32Array");
    return false;
  }
  *words = data;
  return true;
}

napi_value make_number(napi_env env, double number) {
  napi_value value;
  return napi_create_double(env, number, &value) == napi_ok ? value : NULL;
}

napi_value make_undefined(napi_env env) {
  napi_value value;
  return napi_get_undefined(env, &value) == napi_ok ? value : NULL;
}
