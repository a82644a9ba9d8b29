// Digests of pages: see the README for the definition, and src/page-digests.ts for the same in JavaScript.
#include <string.h>

#include "native.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "page digests are defined over little-endian words"
#endif

#define LANES 64
#define FACTOR 0x9e3779b1u

// A page may begin anywhere.
typedef uint32_t vector __attribute__((vector_size(32), aligned(4), may_alias));

#define MIX(state, word) (state) = ((((state) << 13) | ((state) >> 19)) ^ (word)) * FACTOR

// One row is a word for each lane. Eight vectors in eight variables stay in registers.
#define DIGEST(EACH)                                                                                \
  vector s[LANES / 8];                                                                              \
  for (uint32_t lane = 0; lane < LANES; lane++) s[lane / 8][lane % 8] = (lane + 1) * FACTOR;        \
  vector s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3], s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7];    \
  const vector *w = (const vector *)page;                                                           \
  for (const uint8_t *stop = page + size; (const uint8_t *)w < stop; w += LANES / 8) {              \
    vector w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6], w7 = w[7];  \
    EACH(0, w0) EACH(1, w1) EACH(2, w2) EACH(3, w3) EACH(4, w4) EACH(5, w5) EACH(6, w6) EACH(7, w7) \
    MIX(s0, w0);                                                                                    \
    MIX(s1, w1);                                                                                    \
    MIX(s2, w2);                                                                                    \
    MIX(s3, w3);                                                                                    \
    MIX(s4, w4);                                                                                    \
    MIX(s5, w5);                                                                                    \
    MIX(s6, w6);                                                                                    \
    MIX(s7, w7);                                                                                    \
  }                                                                                                 \
  MIX(s0, s4);                                                                                      \
  MIX(s1, s5);                                                                                      \
  MIX(s2, s6);                                                                                      \
  MIX(s3, s7);                                                                                      \
  MIX(s0, s2);                                                                                      \
  MIX(s1, s3);                                                                                      \
  MIX(s0, s1);                                                                                      \
  for (uint32_t half = 4; half > 0; half /= 2) {                                                    \
    for (uint32_t lane = 0; lane < half; lane++) MIX(s0[lane], s0[lane + half]);                    \
  }                                                                                                 \
  uint32_t result = s0[0];                                                                          \
  result = (result ^ (result >> 16)) * 0x85ebca6bu;                                                 \
  result = (result ^ (result >> 13)) * 0xc2b2ae35u;                                                 \
  return result ^ (result >> 16);

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

#define NOTHING(index, words)

CLONES static uint32_t digest(const uint8_t *page, size_t size) { DIGEST(NOTHING) }

#if defined(__SSE2__)
#include <emmintrin.h>

// Past the cache: what was copied is not read again soon, and to fetch what is overwritten would cost as much again.
#define STORE(index, words)                                      \
  {                                                              \
    union {                                                      \
      vector all;                                                \
      __m128i halves[2];                                         \
    } both = {.all = (words)};                                   \
    _mm_stream_si128(into + 2 * (index), both.halves[0]);        \
    _mm_stream_si128(into + 2 * (index) + 1, both.halves[1]);    \
    if ((index) == LANES / 8 - 1) into += LANES / 4;             \
  }

CLONES static uint32_t stream_page(__m128i *into, const uint8_t *page, size_t size) { DIGEST(STORE) }

uint32_t copy_page(uint8_t *into, const uint8_t *page, size_t size) {
  if ((uintptr_t)into % sizeof(__m128i) == 0) return stream_page((__m128i *)into, page, size);
  memcpy(into, page, size);
  return digest(into, size);
}

void finish_copies(void) { _mm_sfence(); }
#else
uint32_t copy_page(uint8_t *into, const uint8_t *page, size_t size) {
  memcpy(into, page, size);
  return digest(into, size);
}

void finish_copies(void) {}
#endif

bool check_runs(
    napi_env env, const uint32_t *runs, size_t count, uint32_t page_size, size_t length, size_t room) {
  const char *wrong = NULL;
  if (page_size == 0 || page_size % 256 != 0) {
    wrong = "a page size is a multiple of 256 bytes";
  } else if (count % 2 != 0) {
    wrong = "a run of pages is two numbers";
  } else {
    uint64_t pages = 0;
    for (size_t i = 0; i < count; i += 2) {
      if ((uint64_t)runs[i] + runs[i + 1] > length / page_size) wrong = "a page lies beyond the bytes";
      pages += runs[i + 1];
    }
    if (wrong == NULL && room < pages) wrong = "there is no room for all digests";
  }
  if (wrong != NULL) throw_range(env, wrong);
  return wrong == NULL;
}

static napi_value page_digests(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct bytes bytes;
  uint32_t page_size, *runs, *into;
  size_t count, room;
  if (!get_arguments(env, info, 4, arguments) || !get_uint8_array(env, arguments[0], &bytes) ||
      !get_uint32(env, arguments[1], &page_size) || !get_uint32_array(env, arguments[2], &runs, &count) ||
      !get_uint32_array(env, arguments[3], &into, &room)) {
    return NULL;
  }
  if (!check_runs(env, runs, count, page_size, bytes.length, room)) return NULL;
  for (size_t i = 0; i < count; i += 2) {
    const uint8_t *page = bytes.data + (size_t)runs[i] * page_size;
    for (uint32_t n = 0; n < runs[i + 1]; n++, page += page_size) *into++ = digest(page, page_size);
  }
  return make_undefined(env);
}

void register_page_digests(napi_env env, napi_value exports) {
  register_function(env, exports, "pageDigests", page_digests);
}
