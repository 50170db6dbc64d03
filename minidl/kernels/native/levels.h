/* Compiles the loops of a family once for each kind of CPU and for both float dtypes.
 *
 * A family's file begins with `#define FAMILY "that_file.c"` and this header, which includes the file once more for
 * each combination, with LOOPS_ONLY defined: what stands under `#ifdef LOOPS_ONLY` are the loops, written for REAL
 * and named LOOP(name). So they are plain C, which the compiler makes vector instructions of.
 * `LOOPS(name)` then lists them all, and `PICK(name, is_double)` is the one for this CPU.
 */
#ifndef MINIDL_LEVELS_H
#define MINIDL_LEVELS_H

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define LOOP(name) JOIN(name, KIND, LEVEL)

/* The numbers that sums are kept apart for: the widest register's, whatever the CPU has, so that all agree. */
#define LANES 16

/* A function of the numbers of a loop, which becomes vector instructions only as a part of that loop; and one that
 * stays apart, where merging its loop with others would keep it from that. */
#if defined(__GNUC__) || defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define NOT_INLINE __attribute__((noinline))
#else
#define INLINE static inline
#define NOT_INLINE
#endif

#if (defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)))
#define MINIDL_X86 1
#else
#define MINIDL_X86 0
#endif

#endif

#define LOOPS_ONLY

#define LEVEL base
#include "kinds.h"
#undef LEVEL

#if MINIDL_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#endif
#define LEVEL avx2
#include "kinds.h"
#undef LEVEL
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#endif
#define LEVEL avx512
#include "kinds.h"
#undef LEVEL
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#define LOOPS(name)                                                                                       \
    static Loop *const name##_loops[][2] = {{name##_f32_base, name##_f64_base},                           \
                                            {name##_f32_avx2, name##_f64_avx2},                           \
                                            {name##_f32_avx512, name##_f64_avx512}}
#else
#define LOOPS(name) static Loop *const name##_loops[][2] = {{name##_f32_base, name##_f64_base}}
#endif

#undef LOOPS_ONLY

/* Which of the levels is in use, from 0: see module.c. */
extern int level;

#define PICK(name, is_double) name##_loops[level][is_double]
