// Copies of pages from one mapping to another, made by a thread of libuv's pool while JavaScript goes on.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

struct copy {
  napi_async_work work;
  napi_deferred deferred;
  // The three arrays, which stay while they are used.
  napi_ref from_array, into_array, digests_array;
  struct mapping *from_mapping, *into_mapping;
  const uint8_t *from;
  uint8_t *into;
  uint32_t *digests;
  uint32_t page_size;
  size_t count;
  uint32_t runs[];
};

static void execute(napi_env env, void *data) {
  (void)env;
  struct copy *copy = data;
  uint32_t *digest = copy->digests;
  for (size_t i = 0; i < copy->count; i += 2) {
    size_t offset = (size_t)copy->runs[i] * copy->page_size;
    for (uint32_t n = 0; n < copy->runs[i + 1]; n++, offset += copy->page_size) {
      *digest++ = copy_page(copy->into + offset, copy->from + offset, copy->page_size);
    }
  }
  finish_copies();
}

static void forget(napi_env env, struct copy *copy) {
  release_mapping(copy->from_mapping);
  release_mapping(copy->into_mapping);
  if (copy->from_array != NULL) napi_delete_reference(env, copy->from_array);
  if (copy->into_array != NULL) napi_delete_reference(env, copy->into_array);
  if (copy->digests_array != NULL) napi_delete_reference(env, copy->digests_array);
  if (copy->work != NULL) napi_delete_async_work(env, copy->work);
  free(copy);
}

static void complete(napi_env env, napi_status status, void *data) {
  (void)status;
  struct copy *copy = data;
  napi_resolve_deferred(env, copy->deferred, make_undefined(env));
  forget(env, copy);
}

static struct mapping *hold(napi_env env, napi_value array) {
  napi_value buffer;
  if (napi_get_typedarray_info(env, array, NULL, NULL, NULL, &buffer, NULL) != napi_ok) return NULL;
  return hold_mapping(env, buffer);
}

// copyPages(from, into, pageSize, runs, digests)
static napi_value copy_pages(napi_env env, napi_callback_info info) {
  napi_value arguments[5], promise, name;
  struct bytes from, into;
  uint32_t page_size, *runs, *digests;
  size_t count, room;
  if (!get_arguments(env, info, 5, arguments) || !get_uint8_array(env, arguments[0], &from) ||
      !get_uint8_array(env, arguments[1], &into) || !get_uint32(env, arguments[2], &page_size) ||
      !get_uint32_array(env, arguments[3], &runs, &count) ||
      !get_uint32_array(env, arguments[4], &digests, &room)) {
    return NULL;
  }
  size_t least = from.length < into.length ? from.length : into.length;
  if (!check_runs(env, runs, count, page_size, least, room)) return NULL;
  struct copy *copy = calloc(1, sizeof *copy + count * sizeof *runs);
  if (copy == NULL) return throw_errno(env, ENOMEM, "copyPages");
  *copy = (struct copy){
      .from = from.data, .into = into.data, .digests = digests, .page_size = page_size, .count = count};
  memcpy(copy->runs, runs, count * sizeof *runs);
  if (napi_create_reference(env, arguments[0], 1, &copy->from_array) != napi_ok ||
      napi_create_reference(env, arguments[1], 1, &copy->into_array) != napi_ok ||
      napi_create_reference(env, arguments[4], 1, &copy->digests_array) != napi_ok ||
      napi_create_string_utf8(env, "godwit:copyPages", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, copy, &copy->work) != napi_ok) {
    forget(env, copy);
    return throw_errno(env, ENOMEM, "copyPages");
  }
  copy->from_mapping = hold(env, arguments[0]);
  copy->into_mapping = hold(env, arguments[1]);
  if (napi_create_promise(env, &copy->deferred, &promise) != napi_ok ||
      napi_queue_async_work(env, copy->work) != napi_ok) {
    forget(env, copy);
    return throw_errno(env, ENOMEM, "copyPages");
  }
  return promise;
}

void register_page_copies(napi_env env, napi_value exports) {
  register_function(env, exports, "copyPages", copy_pages);
}
