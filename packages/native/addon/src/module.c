#include "native.h"

void register_function(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) == napi_ok) {
    napi_set_named_property(env, exports, name, value);
  }
}

// Runs once for each thread that loads the addon; nothing here is shared between threads but the table of mappings.
NAPI_MODULE_INIT() {
  register_descriptors(env, exports);
  register_sockets(env, exports);
  register_unix_sockets(env, exports);
  register_mappings(env, exports);
  register_page_digests(env, exports);
  register_page_copies(env, exports);
  register_poll(env, exports);
  return exports;
}
