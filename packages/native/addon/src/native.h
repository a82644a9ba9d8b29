// What the files of the addon share. Functions that return false have thrown; their callers return NULL at once.
#ifndef GODWIT_NATIVE_H
#define GODWIT_NATIVE_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// errors.c

// Throws an Error with the message, `code`, `errno` and `syscall` that Node's own system errors have. Returns NULL.
napi_value throw_errno(napi_env env, int error, const char *syscall);
// Throws a TypeError. Returns NULL.
napi_value throw_type(napi_env env, const char *message);
// Throws a RangeError. Returns NULL.
napi_value throw_range(napi_env env, const char *message);

// arguments.c

struct bytes {
  uint8_t *data;
  size_t length;
};

// Reads exactly `count` arguments into `values`; missing ones are undefined.
bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
// A descriptor: an integer of at least 0.
bool get_descriptor(napi_env env, napi_value value, int *fd);
// A byte count or offset: an integer from 0 to 2^53 - 1.
bool get_size(napi_env env, napi_value value, uint64_t *size);
bool get_uint32(napi_env env, napi_value value, uint32_t *number);
bool get_boolean(napi_env env, napi_value value, bool *flag);
// The property `name` of an options object; false where the object or the property is undefined.
bool get_option(napi_env env, napi_value options, const char *name, bool *flag);
bool get_uint8_array(napi_env env, napi_value value, struct bytes *bytes);
bool get_uint32_array(napi_env env, napi_value value, uint32_t **words, size_t *length);
napi_value make_number(napi_env env, double number);
napi_value make_undefined(napi_env env);

// page_digests.c

// Runs of pages, `count` numbers: the first page of each and how many there are. They must lie within `length` bytes, and
// there must be room for a digest of each page.
bool check_runs(
    napi_env env, const uint32_t *runs, size_t count, uint32_t page_size, size_t length, size_t room);

// Copies a page, `size` a multiple of 256 bytes, and returns the digest of what was copied, even where it changes meanwhile.
uint32_t copy_page(uint8_t *into, const uint8_t *page, size_t size);
// After the last of some copies, before others are told of them.
void finish_copies(void);

// mappings.c

// Keeps the mapping behind an ArrayBuffer, so that munmap refuses; NULL for a buffer that is none.
struct mapping *hold_mapping(napi_env env, napi_value buffer);
void release_mapping(struct mapping *mapping);

// Each file's functions, registered by module.c.

void register_descriptors(napi_env env, napi_value exports);
void register_sockets(napi_env env, napi_value exports);
void register_unix_sockets(napi_env env, napi_value exports);
void register_mappings(napi_env env, napi_value exports);
void register_page_digests(napi_env env, napi_value exports);
void register_page_copies(napi_env env, napi_value exports);
void register_poll(napi_env env, napi_value exports);
void register_function(napi_env env, napi_value exports, const char *name, napi_callback function);

#endif
