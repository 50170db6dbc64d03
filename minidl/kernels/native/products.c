/* Products with a weight, with what comes right behind them while the result is in the cache: see kernels/linear.py. */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <stdint.h>

#include "blas.h"

/* C = op(A) op(B), with each row of C plus `bias` where there is one, and the larger one of it and 0. */
typedef struct {
    int is_double, transpose_a, transpose_b, by_columns, rectifies;
    ptrdiff_t rows, columns, inner, lead_a, lead_b;
    const char *a, *b, *bias;
    char *c;
} Product;

/* A walk over arrays, number by number or row by row. */
typedef struct {
    const void *x, *y;
    void *out;
    ptrdiff_t rows, columns;
} Pass;

#define FAMILY "products.c"
#include "levels.h"

enum {
    LEAST_WORK = 1 << 19, /* multiplications of a part: some 10 microseconds */
    LEAST_SIDE = 32,      /* rows or columns of a part: fewer would waste the BLAS's blocks */
    GRAIN = 1 << 15,      /* numbers of a part, where there is little to do for each */
};

LOOPS(finish);
LOOPS(relu);
LOOPS(relu_backward);
LOOPS(sum_rows);

/* A part of a product: some rows of C, or some of its columns. */
static void multiply(void *context, ptrdiff_t first, ptrdiff_t end)
{
    Product part = *(const Product *)context;
    ptrdiff_t item = part.is_double ? sizeof(double) : sizeof(float), lead = part.columns;
    if (part.by_columns) {
        part.b += first * item * (part.transpose_b ? part.lead_b : 1);
        part.c += first * item;
        part.bias = part.bias ? part.bias + first * item : NULL;
        part.columns = end - first;
    } else {
        part.a += first * item * (part.transpose_a ? 1 : part.lead_a);
        part.c += first * item * lead;
        part.rows = end - first;
    }
    gemm(part.is_double, part.transpose_a, part.transpose_b, part.rows, part.columns, part.inner, part.a, part.lead_a,
         part.b, part.lead_b, part.c, lead);
    if (part.bias) {
        part.lead_a = lead; /* of C, for `finish` */
        PICK(finish, part.is_double)(&part, 0, part.rows);
    }
}

/* Divided by its longer side: each part of the BLAS's packs all of the other side anew. */
static void run_product(Product *product)
{
    product->by_columns = product->columns > product->rows;
    ptrdiff_t sides = product->by_columns ? product->columns : product->rows;
    double others = (double)(product->by_columns ? product->rows : product->columns) * (double)product->inner;
    double least = LEAST_WORK / others + 1;
    ptrdiff_t unit = product->by_columns ? 16 : 4; /* of the BLAS's tiles */
    run_products(multiply, product, sides, unit,
                 least > sides ? sides : least < LEAST_SIDE ? LEAST_SIDE : (ptrdiff_t)least);
}

/* Whether all of it can be given to the BLAS. */
static int is_matrix(const Array *array)
{
    return array->dimensions == 2 && array->size > 0 && array->shape[0] <= longest_side()
           && array->shape[1] <= longest_side();
}

/* The two kernels of an affine layer's output: x, weight, bias, out or None */
static PyObject *affine_output(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                               int rectifies)
{
    Array x, weight, bias, out;
    if (names || (count != 3 && count != 4) || !has_gemm() || !take_real(args[0], READ, &x)
        || !take_of(&x, args[1], READ, &weight) || !take_of(&x, args[2], READ, &bias) || !is_matrix(&x)
        || !is_matrix(&weight) || x.shape[1] != weight.shape[0] || bias.dimensions != 1
        || bias.shape[0] != weight.shape[1])
        HAND_OVER;
    npy_intp shape[2] = {x.shape[0], weight.shape[1]};
    PyObject *wanted = count == 4 ? args[3] : Py_None;
    if (wanted != Py_None
        && (!take_of(&x, wanted, WRITE, &out) || !is_matrix(&out) || out.shape[0] != shape[0]
            || out.shape[1] != shape[1] || !apart(&out, &x) || !apart(&out, &weight) || !apart(&out, &bias)))
        HAND_OVER;
    PyObject *result = given_or_new(wanted, 2, shape, x.is_double, &out);
    if (!result)
        return NULL;
    Product product = {.is_double = x.is_double, .rectifies = rectifies, .rows = shape[0], .columns = shape[1],
                       .inner = x.shape[1], .lead_a = x.shape[1], .lead_b = shape[1], .a = x.data, .b = weight.data,
                       .bias = bias.data, .c = out.data};
    run_product(&product);
    return result;
}

KERNEL(affine)
{
    return affine_output(numpy_way, args, count, names, 0);
}

KERNEL(affine_relu)
{
    return affine_output(numpy_way, args, count, names, 1);
}

/* x, dy, out */
KERNEL(weight_gradient)
{
    Array x, dy, out;
    if (names || count != 3 || !has_gemm() || !take_real(args[0], READ, &x) || !take_of(&x, args[1], READ, &dy)
        || !take_of(&x, args[2], WRITE, &out) || !is_matrix(&x) || !is_matrix(&dy) || !is_matrix(&out)
        || x.shape[0] != dy.shape[0] || out.shape[0] != x.shape[1] || out.shape[1] != dy.shape[1]
        || !apart(&out, &x) || !apart(&out, &dy))
        HAND_OVER;
    Product product = {.is_double = x.is_double, .transpose_a = 1, .rows = x.shape[1], .columns = dy.shape[1],
                       .inner = x.shape[0], .lead_a = x.shape[1], .lead_b = dy.shape[1], .a = x.data, .b = dy.data,
                       .c = out.data};
    run_product(&product);
    Py_RETURN_NONE;
}

/* dy, weight, out */
KERNEL(input_gradient)
{
    Array dy, weight, out;
    if (names || count != 3 || !has_gemm() || !take_real(args[0], READ, &dy) || !take_of(&dy, args[1], READ, &weight)
        || !take_of(&dy, args[2], WRITE, &out) || !is_matrix(&dy) || !is_matrix(&weight) || !is_matrix(&out)
        || dy.shape[1] != weight.shape[1] || out.shape[0] != dy.shape[0] || out.shape[1] != weight.shape[0]
        || !apart(&out, &dy) || !apart(&out, &weight))
        HAND_OVER;
    Product product = {.is_double = dy.is_double, .transpose_b = 1, .rows = dy.shape[0], .columns = weight.shape[0],
                       .inner = dy.shape[1], .lead_a = dy.shape[1], .lead_b = weight.shape[1], .a = dy.data,
                       .b = weight.data, .c = out.data};
    run_product(&product);
    Py_INCREF(args[2]);
    return args[2];
}

/* rows, out */
KERNEL(sum_rows)
{
    Array rows, out;
    if (names || count != 2 || !take_real(args[0], READ, &rows) || !take_of(&rows, args[1], WRITE, &out)
        || rows.dimensions != 2 || out.dimensions != 1 || out.shape[0] != rows.shape[1] || !apart(&rows, &out))
        HAND_OVER;
    Pass pass = {.x = rows.data, .out = out.data, .rows = rows.shape[0], .columns = rows.shape[1]};
    ptrdiff_t grain = GRAIN / (rows.shape[0] + 1) / 64 * 64;
    run_loop(PICK(sum_rows, rows.is_double), &pass, pass.columns, grain < 64 ? 64 : grain);
    Py_RETURN_NONE;
}

/* x, out or None */
KERNEL(relu)
{
    Array x, out;
    PyObject *wanted = count == 2 ? args[1] : Py_None;
    if (names || (count != 1 && count != 2) || !take_real(args[0], READ, &x)
        || (wanted != Py_None && (!take_like(&x, wanted, WRITE, &out) || !apart_or_same(&x, &out))))
        HAND_OVER;
    PyObject *result = given_or_new(wanted, x.dimensions, x.shape, x.is_double, &out);
    if (!result)
        return NULL;
    Pass pass = {.x = x.data, .out = out.data};
    run_loop(PICK(relu, x.is_double), &pass, x.size, GRAIN);
    return result;
}

/* dy, y, out */
KERNEL(relu_backward)
{
    Array dy, y, out;
    if (names || count != 3 || !take_real(args[0], READ, &dy) || !take_like(&dy, args[1], READ, &y)
        || !take_like(&dy, args[2], WRITE, &out) || !apart(&dy, &out) || !apart_or_same(&y, &out))
        HAND_OVER;
    Pass pass = {.x = dy.data, .y = y.data, .out = out.data};
    run_loop(PICK(relu_backward, dy.is_double), &pass, dy.size, GRAIN);
    Py_INCREF(args[2]);
    return args[2];
}

PyMethodDef products_kernels[] = {
    ENTRY(affine), ENTRY(affine_relu), ENTRY(weight_gradient), ENTRY(input_gradient), ENTRY(sum_rows), ENTRY(relu),
    ENTRY(relu_backward), {NULL},
};

#else

static void LOOP(finish)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Product *part = context;
    const REAL *bias = (const REAL *)part->bias;
    for (ptrdiff_t row = first; row < end; row++) {
        REAL *c = (REAL *)part->c + row * part->lead_a;
        if (part->rectifies)
            for (ptrdiff_t i = 0; i < part->columns; i++) {
                REAL sum = c[i] + bias[i];
                c[i] = sum <= 0 ? 0 : sum; /* NaN stays */
            }
        else
            for (ptrdiff_t i = 0; i < part->columns; i++)
                c[i] += bias[i];
    }
}

static void LOOP(relu)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Pass *pass = context;
    const REAL *x = pass->x;
    REAL *out = pass->out;
    for (ptrdiff_t i = first; i < end; i++)
        out[i] = x[i] <= 0 ? 0 : x[i];
}

static void LOOP(relu_backward)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Pass *pass = context;
    const REAL *dy = pass->x, *y = pass->y;
    REAL *out = pass->out;
    for (ptrdiff_t i = first; i < end; i++)
        out[i] = dy[i] * (y[i] > 0 ? (REAL)1 : (REAL)0);
}

/* Sums of columns `first` to `end`. Rows are added up in blocks, so that many of them lose no digits. */
static void LOOP(sum_rows)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    enum { TILE = 64, BLOCK = 256 };
    const Pass *pass = context;
    for (ptrdiff_t start = first; start < end; start += TILE) {
        int width = end - start < TILE ? (int)(end - start) : TILE;
        double whole[TILE] = {0};
        for (ptrdiff_t block = 0; block < pass->rows; block += BLOCK) {
            ptrdiff_t stop = block + BLOCK < pass->rows ? block + BLOCK : pass->rows;
            REAL sums[TILE] = {0};
            for (ptrdiff_t row = block; row < stop; row++) {
                const REAL *numbers = (const REAL *)pass->x + row * pass->columns + start;
                if (width == TILE)
                    for (int i = 0; i < TILE; i++)
                        sums[i] += numbers[i];
                else
                    for (int i = 0; i < width; i++)
                        sums[i] += numbers[i];
            }
            for (int i = 0; i < width; i++)
                whole[i] += sums[i];
        }
        for (int i = 0; i < width; i++)
            ((REAL *)pass->out)[start + i] = (REAL)whole[i];
    }
}

#endif
