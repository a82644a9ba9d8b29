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

static inline uint32_t mix(uint32_t state, uint32_t word) {
  return (((state << 13) | (state >> 19)) ^ word) * FACTOR;
}

#define MIX(state, word) (state) = ((((state) << 13) | ((state) >> 19)) ^ (word)) * FACTOR

// One row is a word for each lane. Eight vectors in eight variables stay in registers.
#define MIX_ROWS(EACH)                                                                                    \
  vector *s = (vector *)lanes;                                                                            \
  const vector *w = (const vector *)page;                                                                 \
  vector s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3], s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7];          \
  for (size_t row = 0; row < rows; row++, w += LANES / 8) {                                               \
    vector w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6], w7 = w[7];        \
    EACH(0, w0) EACH(1, w1) EACH(2, w2) EACH(3, w3) EACH(4, w4) EACH(5, w5) EACH(6, w6) EACH(7, w7)       \
    MIX(s0, w0);                                                                                          \
    MIX(s1, w1);                                                                                          \
    MIX(s2, w2);                                                                                          \
    MIX(s3, w3);                                                                                          \
    MIX(s4, w4);                                                                                          \
    MIX(s5, w5);                                                                                          \
    MIX(s6, w6);                                                                                          \
    MIX(s7, w7);                                                                                          \
  }                                                                                                       \
  s[0] = s0, s[1] = s1, s[2] = s2, s[3] = s3, s[4] = s4, s[5] = s5, s[6] = s6, s[7] = s7;

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

#define NOTHING(index, words)

CLONES static void mix_rows(uint32_t *lanes, const uint8_t *page, size_t rows) { MIX_ROWS(NOTHING) }

static void begin(uint32_t *lanes) {
  for (uint32_t lane = 0; lane < LANES; lane++) lanes[lane] = (lane + 1) * FACTOR;
}

static uint32_t end(uint32_t *lanes) {
  for (uint32_t half = LANES / 2; half > 0; half /= 2) {
    for (uint32_t lane = 0; lane < half; lane++) lanes[lane] = mix(lanes[lane], lanes[lane + half]);
  }
  uint32_t result = lanes[0];
  result = (result ^ (result >> 16)) * 0x85ebca6bu;
  result = (result ^ (result >> 13)) * 0xc2b2ae35u;
  return result ^ (result >> 16);
}

static uint32_t digest(const uint8_t *page, size_t size) {
  uint32_t lanes[LANES];
  begin(lanes);
  mix_rows(lanes, page, size / sizeof lanes);
  return end(lanes);
}

#if defined(__SSE2__)
#include <emmintrin.h>

// Past the cache: what was copied is not read again soon, and to fetch what is overwritten would cost as much again.
#define STORE(index, words)                                        \
  {                                                                \
    union {                                                        \
      vector all;                                                  \
      __m128i halves[2];                                           \
    } both = {.all = (words)};                                     \
    _mm_stream_si128(into + 2 * (index), both.halves[0]);          \
    _mm_stream_si128(into + 2 * (index) + 1, both.halves[1]);      \
  }
#define STORE_ROW(index, words) STORE(index, words) if ((index) == 7) into += LANES / 4;

CLONES static void copy_rows(uint32_t *lanes, __m128i *into, const uint8_t *page, size_t rows) { MIX_ROWS(STORE_ROW) }

uint32_t copy_page(uint8_t *into, const uint8_t *page, size_t size) {
  if ((uintptr_t)into % sizeof(__m128i) != 0) {
    memcpy(into, page, size);
    return digest(into, size);
  }
  uint32_t lanes[LANES];
  begin(lanes);
  copy_rows(lanes, (__m128i *)into, page, size / sizeof lanes);
  _mm_sfence();
  return end(lanes);
}
#else
uint32_t copy_page(uint8_t *into, const uint8_t *page, size_t size) {
  memcpy(into, page, size);
  return digest(into, size);
}
#endif

static napi_value page_digests(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct bytes bytes;
  uint32_t page_size, *pages, *into;
  size_t count, room;
  if (!get_arguments(env, info, 4, arguments) || !get_uint8_array(env, arguments[0], &bytes) ||
      !get_uint32(env, arguments[1], &page_size) || !get_uint32_array(env, arguments[2], &pages, &count) ||
      !get_uint32_array(env, arguments[3], &into, &room)) {
    return NULL;
  }
  if (page_size == 0 || page_size % 256 != 0) return throw_range(env, "a page size is a multiple of 256 bytes");
  if (room < count) return throw_range(env, "there is no room for all digests");
  for (size_t i = 0; i < count; i++) {
    if (pages[i] >= bytes.length / page_size) return throw_range(env, "a page lies beyond the bytes");
  }
  for (size_t i = 0; i < count; i++) into[i] = digest(bytes.data + (size_t)pages[i] * page_size, page_size);
  return make_undefined(env);
}

void register_page_digests(napi_env env, napi_value exports) {
  register_function(env, exports, "pageDigests", page_digests);
}
