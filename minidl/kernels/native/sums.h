/* Sums over the numbers of rows, for REAL and LOOP(name): see levels.h.
 *
 * They are added up in SUMS sums of the dtype, which stay in registers, for up to RUN numbers; and the sums of these
 * runs in float64. What is left over when a row is divided by SUMS comes first, filled up with zeros: that takes less
 * time than to go number by number.
 */
#include "simd.h"

#ifndef SUMS
#define SUMS (128 / (int)sizeof(REAL))
enum { RUN = 1024 };

/* What is added up: the numbers of `x`; their products with those of `y`; or in two sums, what `x` is above `shift`
 * and the squares of that; or `x` and its products with what `y` is above `shift` and `rest`. */
enum { NUMBERS, PRODUCTS, MOMENTS, DEVIATIONS };
#define TERM(what, x, y, shift) ((what) == PRODUCTS ? (x) * (y) : (what) == MOMENTS ? (x) - (shift) : (x))
#define OTHER_TERM(what, x, y, shift, rest) \
    ((what) == MOMENTS ? ((x) - (shift)) * ((x) - (shift)) : (x) * ((y) - (shift) - (rest)))

/* The function of this name adds to the totals what is added up over rows of `count` numbers that lie `apart`. A
 * single row has a function of its own, without the loop over rows: a short one takes down to half the time. */
#define ROW_SUMS(name, what)                                                                                          \
    static NOT_INLINE void LOOP(name##_row)(const REAL *x, const REAL *y, REAL shift, REAL rest, ptrdiff_t rows,      \
                                            ptrdiff_t apart, ptrdiff_t count, double *totals)                         \
    {                                                                                                                 \
        LOOP(add_run)(what, x, y, shift, rest, 1, 0, count, totals);                                                  \
    }                                                                                                                 \
    static NOT_INLINE void LOOP(name##_rows)(const REAL *x, const REAL *y, REAL shift, REAL rest, ptrdiff_t rows,     \
                                             ptrdiff_t apart, ptrdiff_t count, double *totals)                        \
    {                                                                                                                 \
        LOOP(add_run)(what, x, y, shift, rest, rows, apart, count, totals);                                           \
    }                                                                                                                 \
    INLINE void LOOP(name)(const REAL *x, const REAL *y, REAL shift, REAL rest, ptrdiff_t rows, ptrdiff_t apart,      \
                           ptrdiff_t count, double *totals)                                                           \
    {                                                                                                                 \
        const ptrdiff_t most = RUN / most_of(least_of(count, RUN), 1); /* rows of a run */                            \
        for (ptrdiff_t row = 0; row < rows; row += most)                                                              \
            for (ptrdiff_t start = 0; start < count; start += RUN)                                                    \
                (rows == 1 ? LOOP(name##_row) : LOOP(name##_rows))(                                                   \
                    x + row * apart + start, y + row * apart + start, shift, rest, least_of(most, rows - row), apart, \
                    least_of(RUN, count - start), totals);                                                            \
    }
#endif

/* The sum of these sums, in pairs. */
INLINE double LOOP(fold)(const LOOP(Vector) *vectors)
{
    REAL sums[SUMS];
    memcpy(sums, vectors, sizeof sums);
    UNROLL
    for (int half = SUMS / 2; half > 4; half /= 2)
        VECTORS_FIRST
        for (int i = 0; i < half; i++)
            sums[i] += sums[i + half];
    return (double)(((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])));
}

/* Add the terms of SUMS numbers. */
INLINE void LOOP(add_terms)(const int what, const REAL *x, const REAL *y, REAL shift, REAL rest, LOOP(Vector) *sums,
                            LOOP(Vector) *others)
{
    UNROLL
    for (int v = 0; v < SUMS / ACROSS; v++) {
        const LOOP(Vector) a = LOOP(load_vector)(x + v * ACROSS), b = LOOP(load_vector)(y + v * ACROSS);
        sums[v] += TERM(what, a, b, shift);
        if (what >= MOMENTS)
            others[v] += OTHER_TERM(what, a, b, shift, rest);
    }
}

/* Add the terms of fewer numbers. */
INLINE void LOOP(add_few_terms)(const int what, const REAL *x, const REAL *y, REAL shift, REAL rest, INDEX few,
                                LOOP(Vector) *sums, LOOP(Vector) *others)
{
    REAL terms[SUMS], other_terms[SUMS];
    FOR_VECTORS(i, SUMS) {
        terms[i] = i < few ? TERM(what, x[i], y[i], shift) : 0;
        if (what >= MOMENTS)
            other_terms[i] = i < few ? OTHER_TERM(what, x[i], y[i], shift, rest) : 0;
    }
    UNROLL
    for (int v = 0; v < SUMS / ACROSS; v++) {
        sums[v] += LOOP(load_vector)(terms + v * ACROSS);
        if (what >= MOMENTS)
            others[v] += LOOP(load_vector)(other_terms + v * ACROSS);
    }
}

/* Add one run to the totals. */
INLINE void LOOP(add_run)(const int what, const REAL *x, const REAL *y, REAL shift, REAL rest, ptrdiff_t rows,
                          ptrdiff_t apart, ptrdiff_t count, double *totals)
{
    const INDEX left = (INDEX)(count % SUMS);
    LOOP(Vector) sums[SUMS / ACROSS], others[SUMS / ACROSS];
    UNROLL
    for (int v = 0; v < SUMS / ACROSS; v++)
        sums[v] = others[v] = (LOOP(Vector)){0};
    for (; rows; rows--, x += apart, y += apart) {
        if (left)
            LOOP(add_few_terms)(what, x, y, shift, rest, left, sums, others);
        for (ptrdiff_t next = left; next < count; next += SUMS)
            LOOP(add_terms)(what, x + next, y + next, shift, rest, sums, others);
    }
    totals[0] += LOOP(fold)(sums);
    if (what >= MOMENTS)
        totals[1] += LOOP(fold)(others);
}
