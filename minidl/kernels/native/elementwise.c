/* Smooth activations, each number's value and slope in one pass: see kernels/elementwise.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <math.h>

typedef struct {
    const void *x;
    void *y, *slope; /* slope may be NULL */
    double parameters[2];
} Activation;

#define FAMILY "elementwise.c"
#include "levels.h"

enum { GRAIN = 1 << 13 };

/* x, y, slope or None, memory that is not needed here, then so many numbers; 0 if they are not to be taken as they are. */
static int take_activation(PyObject *const *args, Py_ssize_t count, PyObject *names, int parameters,
                           Activation *activation, Array *x)
{
    Array y, slope;
    if (names || count != 4 + parameters || !take_real(args[0], READ, x) || !take_like(x, args[1], WRITE, &y)
        || !apart(x, &y))
        return 0;
    *activation = (Activation){.x = x->data, .y = y.data};
    if (args[2] != Py_None) {
        if (!take_like(x, args[2], WRITE, &slope) || !apart(x, &slope) || !apart(&y, &slope))
            return 0;
        activation->slope = slope.data;
    }
    for (int i = 0; i < parameters; i++)
        if (!take_number(args[4 + i], &activation->parameters[i]) || !isfinite(activation->parameters[i]))
            return 0;
    return 1;
}

#define ACTIVATION(name, parameters)                                                    \
    LOOPS(name##_each);                                                                   \
    KERNEL(name##_kernel)                                                               \
    {                                                                                   \
        Activation activation;                                                          \
        Array x;                                                                        \
        if (!take_activation(args, count, names, parameters, &activation, &x))          \
            HAND_OVER;                                                                  \
        run_loop(PICK(name##_each, x.is_double), &activation, x.size, GRAIN);           \
        RETURN_NONE;                                                                    \
    }

ACTIVATION(leaky_relu, 1)
ACTIVATION(elu, 1)
ACTIVATION(sigmoid, 0)
ACTIVATION(tanh, 0)
ACTIVATION(silu, 0)
ACTIVATION(gelu, 0)
ACTIVATION(gelu_tanh, 0)
ACTIVATION(softplus, 2)

/* Under their names in Python, of which C has one itself. */
#undef ENTRY
#define ENTRY(name) {#name, (PyCFunction)(void (*)(void))name##_kernel, METH_FASTCALL | METH_KEYWORDS, NULL}

PyMethodDef elementwise_kernels[] = {
    ENTRY(leaky_relu), ENTRY(elu), ENTRY(sigmoid), ENTRY(tanh), ENTRY(silu), ENTRY(gelu), ENTRY(gelu_tanh),
    ENTRY(softplus), {NULL},
};

#else

#include "functions.h"

/* The loops over a function of x and two parameters, which gives the value and writes the slope. */
#define EACH(name)                                                                              \
    static void LOOP(name##_each)(void *context, ptrdiff_t first, ptrdiff_t end)                \
    {                                                                                           \
        const Activation *activation = context;                                                 \
        const REAL *restrict x = activation->x;                                                 \
        REAL *restrict y = activation->y, *restrict slope = activation->slope, unused;          \
        const REAL a = (REAL)activation->parameters[0], b = (REAL)activation->parameters[1];    \
        if (slope)                                                                              \
            for (ptrdiff_t i = first; i < end; i++)                                             \
                y[i] = LOOP(name##_of)(x[i], a, b, &slope[i]);                                  \
        else                                                                                    \
            for (ptrdiff_t i = first; i < end; i++)                                             \
                y[i] = LOOP(name##_of)(x[i], a, b, &unused);                                    \
    }

INLINE REAL LOOP(leaky_relu_of)(REAL x, REAL negative_slope, REAL b, REAL *slope)
{
    REAL found = x > 0 ? 1 : negative_slope;
    *slope = found;
    return x * found;
}

INLINE REAL LOOP(elu_of)(REAL x, REAL alpha, REAL b, REAL *slope)
{
    REAL fraction, below = x > 0 ? 0 : x;
    below = below < EXP_LOWEST ? EXP_LOWEST : below;
    UNSIGNED power = LOOP(exp_parts)(below, 0, &fraction), half = power >> 1;
    REAL scale = LOOP(of_bits)(half << MANTISSA) * LOOP(of_bits)((power - half) << MANTISSA);
    REAL above = x > 0 ? x : 0;
    *slope = x > 0 ? 1 : alpha * (scale + scale * fraction);
    return alpha * (scale * fraction + (scale - 1)) + above;
}

INLINE REAL LOOP(sigmoid_of)(REAL x, REAL a, REAL b, REAL *slope)
{
    REAL decay = LOOP(exp)(x < 0 ? x : -x); /* which cannot overflow */
    REAL y = (x >= 0 ? 1 : decay) / (1 + decay);
    *slope = (1 - y) * y;
    return y;
}

INLINE REAL LOOP(tanh_of)(REAL x, REAL a, REAL b, REAL *slope)
{
    REAL y = LOOP(tanh)(x);
    *slope = 1 - y * y;
    return y;
}

INLINE REAL LOOP(silu_of)(REAL x, REAL a, REAL b, REAL *slope)
{
    REAL unused, gate = LOOP(sigmoid_of)(x, 0, 0, &unused), y = x * gate;
    *slope = (1 - gate) * y + gate;
    return y;
}

INLINE REAL LOOP(gelu_of)(REAL x, REAL a, REAL b, REAL *slope)
{
    REAL density, gate = LOOP(normal)(x, &density);
    *slope = density * x + gate;
    return x * gate;
}

/* The gate (1 + tanh(u)) / 2 is the sigmoid of 2 u. */
INLINE REAL LOOP(gelu_tanh_of)(REAL x, REAL a, REAL b, REAL *slope)
{
    const REAL scale = (REAL)1.5957691216057308, cube = (REAL)(0.044715 * 1.5957691216057308); /* sqrt(8 / pi) */
    REAL change, square = x * x, gate = LOOP(sigmoid_of)(x * (cube * square + scale), 0, 0, &change);
    *slope = change * (x * (3 * cube * square + scale)) + gate;
    return x * gate;
}

INLINE REAL LOOP(softplus_of)(REAL x, REAL beta, REAL threshold, REAL *slope)
{
    REAL z = beta * x, decay = LOOP(exp)(z < 0 ? z : -z);
    decay = z > threshold ? 0 : decay;
    REAL above = z > 0 ? z : 0;
    *slope = (z >= 0 ? 1 : decay) / (1 + decay);
    return (LOOP(log1p)(decay) + above) / beta;
}

EACH(leaky_relu)
EACH(elu)
EACH(sigmoid)
EACH(tanh)
EACH(silu)
EACH(gelu)
EACH(gelu_tanh)
EACH(softplus)

#undef EACH

#endif
