/* The functions of functions.h one by one, so that tests can prove their bounds in the module as it was built. */
#ifndef LOOPS_ONLY
#include "arrays.h"

typedef struct {
    const void *x;
    void *y;
} Map;

#define FAMILY "functions.c"
#include "levels.h"

/* A kernel x, y that writes a function of each number. */
#define FUNCTION(name)                                                                                       \
    LOOPS(each_##name);                                                                                      \
    KERNEL(name##_numbers)                                                                                   \
    {                                                                                                        \
        Array x, y;                                                                                          \
        if (names || count != 2 || !take_real(args[0], READ, &x) || !take_like(&x, args[1], WRITE, &y)       \
            || !apart_or_same(&x, &y))                                                                       \
            HAND_OVER;                                                                                       \
        Map map = {x.data, y.data};                                                                          \
        run_loop(PICK(each_##name, x.is_double), &map, x.size, 1 << 14);                                     \
        RETURN_NONE;                                                                                         \
    }

FUNCTION(exp)
FUNCTION(expm1)
FUNCTION(log)
FUNCTION(log1p)
FUNCTION(tanh)
FUNCTION(normal_density)
FUNCTION(normal_cdf)

PyMethodDef functions_kernels[] = {
    ENTRY(exp_numbers), ENTRY(expm1_numbers), ENTRY(log_numbers), ENTRY(log1p_numbers), ENTRY(tanh_numbers),
    ENTRY(normal_density_numbers), ENTRY(normal_cdf_numbers), {NULL},
};

#else

#include "functions.h"

#define EACH(name, value)                                                     \
    static void LOOP(each_##name)(void *context, ptrdiff_t first, ptrdiff_t end) \
    {                                                                         \
        const Map *map = context;                                             \
        const REAL *numbers = map->x;                                         \
        REAL *y = map->y;                                                     \
        for (ptrdiff_t i = first; i < end; i++) {                             \
            REAL x = numbers[i], density = 0;                                 \
            y[i] = value;                                                     \
            (void)density;                                                    \
        }                                                                     \
    }

EACH(exp, LOOP(exp)(x))
EACH(expm1, LOOP(expm1)(x))
EACH(log, LOOP(log)(x))
EACH(log1p, LOOP(log1p)(x))
EACH(tanh, LOOP(tanh)(x))
EACH(normal_density, (LOOP(normal)(x, &density), density))
EACH(normal_cdf, LOOP(normal)(x, &density))

#undef EACH

#endif
