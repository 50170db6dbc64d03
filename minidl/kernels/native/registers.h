/* What loops are written with whose sums stay in registers: see convolution.c and products.c. */
#ifndef MINIDL_REGISTERS_H
#define MINIDL_REGISTERS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define VECTORS_FIRST UNROLL
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 8")
#define VECTORS_FIRST _Pragma("GCC unroll 1")
#else
#define UNROLL
#define VECTORS_FIRST
#endif

/* For i from 0 to `width`, vector by vector. GCC would unroll a short loop before it looks for vectors, and then
 * find none; clang finds them only in what is unrolled. */
#define FOR_VECTORS(i, width) \
    UNROLL \
    for (int v = 0; v < (width); v += WIDE) \
        VECTORS_FIRST \
        for (INDEX i = v; i < v + WIDE; i++)

/* The name of a constant for the kind of CPU that is compiled for. */
#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)

enum { BYTES_base = 16, BYTES_avx2 = 32, BYTES_avx512 = 64 }; /* of a vector */
#define WIDE (PASTE(BYTES, LEVEL) / (int)sizeof(REAL))

/* a * b + c, in one instruction where there is one. */
#define TIMES_base(a, b, c) ((a) * (b) + (c))
#define TIMES_avx2(a, b, c) (IS_DOUBLE ? fma(a, b, c) : fmaf(a, b, c))
#define TIMES_avx512 TIMES_avx2
#define TIMES PASTE(TIMES, LEVEL)

/* Bring a line of memory, which will be read soon, into a core's first cache, or its second one where the first has
 * no room for as much. */
enum { SECOND = 2, FIRST = 3 };
#if defined(__GNUC__) || defined(__clang__)
#define FETCH(pointer, cache) __builtin_prefetch(pointer, 0, cache)
#else
#define FETCH(pointer, cache)
#endif

static inline ptrdiff_t least_of(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t most_of(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t divide_up(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }
static inline ptrdiff_t round_up(ptrdiff_t a, ptrdiff_t b) { return divide_up(a, b) * b; }

#endif
