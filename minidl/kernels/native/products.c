/* Products with a weight, and what is added and summed over their rows: see kernels/linear.py.
 *
 * NumPy's BLAS would have threads of its own, which wait for each other without sleeping; and it reads and writes the
 * result once more than is needed, which counts where the sums are as short as a batch. See products_plan.h for how a
 * product is divided, and products_loops.h for the product itself.
 */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "products_plan.h"

/* A walk over arrays, number by number or row by row. */
typedef struct {
    const void *x, *y;
    void *out;
    ptrdiff_t rows, columns;
} Pass;

enum { GRAIN = 1 << 15 }; /* numbers of a part, where there is little to do for each */

/* TIMES for vectors, which large tiles name: clang finds none in so many numbers. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define FMA_f32_avx2 _mm256_fmadd_ps
#define FMA_f64_avx2 _mm256_fmadd_pd
#define FMA_f32_avx512 _mm512_fmadd_ps
#define FMA_f64_avx512 _mm512_fmadd_pd
#define VECTOR_TIMES LOOP(FMA)
#endif

#define FAMILY "products.c"
#include "levels.h"

LOOPS(relu);
LOOPS(relu_backward);
LOOPS(sum_rows);

/* Older CPUs, and others than those of x86, leave products to NumPy's BLAS, which knows their instructions. */
#if MINIDL_X86
#if defined(__clang__) /* which keeps the sums of a larger tile in memory */
#define HIGHEST avx2
#else
#define HIGHEST avx512
#endif
#define PRODUCT_LOOPS(name)                                                     \
    static Loop *const name##_loops[][2] = {{NULL, NULL},                       \
                                            {name##_f32_avx2, name##_f64_avx2}, \
                                            {JOIN(name, f32, HIGHEST), JOIN(name, f64, HIGHEST)}}
#else
#define HIGHEST base
#define PRODUCT_LOOPS(name) static Loop *const name##_loops[][2] = {{NULL, NULL}}
#endif
PRODUCT_LOOPS(pack_shared);
PRODUCT_LOOPS(multiply);
PRODUCT_LOOPS(add_sections);

/* 0 where there is no memory, or where NumPy's BLAS is to be preferred: there is no loop for this CPU, or not as many
 * threads as the BLAS has. */
static int run_product(Product *product, int is_double)
{
    Loop *loop = PICK(multiply, is_double);
    if (!loop || !threads_are_known())
        return 0;
    const ptrdiff_t item = is_double ? sizeof(double) : sizeof(float);
    /* A side of few is no less work: then the memory takes the time. */
    const double work = (double)most_of(product->rows, TALLEST) * most_of(product->columns, TALLEST)
                        * most_of(product->inner, TALLEST);
    const int is_long = work >= 2 * LEAST_WORK, threads = is_long ? threads_now() : 1;
    plan_blocks(product, work, item, (level < 2 ? BYTES_avx2 : PASTE(BYTES, HIGHEST)) / item);
    const ptrdiff_t parts = plan_parts(product, work, threads, item), size = product->rows * product->columns;
    product->shares = shares_of(product, parts, threads);
    plan_memory(product, item);
    char *memory = malloc(parts * product->room + (product->shares + (product->sections - 1) * size) * item + LINE);
    if (!memory)
        return 0;
    product->memory = memory + (-(uintptr_t)memory & (LINE - 1));
    product->shared = (char *)product->memory + parts * product->room;
    product->others = (char *)product->shared + product->shares * item;
    if (product->shares)
        run_loop(PICK(pack_shared, is_double), product, divide_up(whole_side(product), SHARE), 1);
    /* One part counts as two where it is long: then Python's lock is let go for it. */
    run_loop(loop, product, is_long ? most_of(parts, 2) : 1, 1);
    if (product->sections > 1)
        run_loop(PICK(add_sections, is_double), product, product->rows, GRAIN / product->columns + 1);
    free(memory);
    return 1;
}

static int is_matrix(const Array *array)
{
    return array->dimensions == 2 && array->size > 0;
}

/* The two kernels of an affine layer's output: x, weight, bias, out or None */
static PyObject *affine_output(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names,
                               int rectifies)
{
    Array x, weight, bias, out;
    if (names || (count != 3 && count != 4) || !take_real(args[0], READ, &x)
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
    Product product = {.rectifies = rectifies, .rows = shape[0], .columns = shape[1], .inner = x.shape[1],
                       .a_apart = x.shape[1], .a_further = 1, .b_apart = 1, .b_further = shape[1], .a = x.data,
                       .b = weight.data, .bias = bias.data, .c = out.data};
    if (run_product(&product, x.is_double))
        return result;
    Py_DECREF(result);
    HAND_OVER;
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
    if (names || count != 3 || !take_real(args[0], READ, &x) || !take_of(&x, args[1], READ, &dy)
        || !take_of(&x, args[2], WRITE, &out) || !is_matrix(&x) || !is_matrix(&dy) || !is_matrix(&out)
        || x.shape[0] != dy.shape[0] || out.shape[0] != x.shape[1] || out.shape[1] != dy.shape[1]
        || !apart(&out, &x) || !apart(&out, &dy))
        HAND_OVER;
    Product product = {.rows = x.shape[1], .columns = dy.shape[1], .inner = x.shape[0], .a_apart = 1,
                       .a_further = x.shape[1], .b_apart = 1, .b_further = dy.shape[1], .a = x.data, .b = dy.data,
                       .c = out.data};
    if (!run_product(&product, x.is_double))
        HAND_OVER;
    RETURN_NONE;
}

/* dy, weight, out */
KERNEL(input_gradient)
{
    Array dy, weight, out;
    if (names || count != 3 || !take_real(args[0], READ, &dy) || !take_of(&dy, args[1], READ, &weight)
        || !take_of(&dy, args[2], WRITE, &out) || !is_matrix(&dy) || !is_matrix(&weight) || !is_matrix(&out)
        || dy.shape[1] != weight.shape[1] || out.shape[0] != dy.shape[0] || out.shape[1] != weight.shape[0]
        || !apart(&out, &dy) || !apart(&out, &weight))
        HAND_OVER;
    Product product = {.rows = dy.shape[0], .columns = weight.shape[0], .inner = dy.shape[1],
                       .a_apart = dy.shape[1], .a_further = 1, .b_apart = weight.shape[1], .b_further = 1,
                       .a = dy.data, .b = weight.data, .c = out.data};
    if (product.rows == 1) /* a column of W dyᵀ then, for which the weight is read as it lies */
        product = (Product){.rows = weight.shape[0], .columns = 1, .inner = dy.shape[1], .a_apart = weight.shape[1],
                            .a_further = 1, .b_apart = 1, .b_further = 1, .a = weight.data, .b = dy.data,
                            .c = out.data};
    if (!run_product(&product, dy.is_double))
        HAND_OVER;
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
    RETURN_NONE;
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
#include "simd.h"

#define IS_base 1
#if !PASTE(IS, LEVEL)
#include "products_tiles.h"

#include "products_loops.h"
#endif

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

#define TILE (WIDE < 8 ? 8 * WIDE : 64) /* columns that are added up at once, which fit the registers */

/* Add up a tile of so many rows. */
static NOT_INLINE void LOOP(sum_tile)(const REAL *numbers, ptrdiff_t apart, ptrdiff_t rows, REAL *out)
{
    LOOP(Vector) sums[TILE / ACROSS];
    UNROLL
    for (int v = 0; v < TILE / ACROSS; v++)
        sums[v] = (LOOP(Vector)){0};
    for (; rows; rows--, numbers += apart)
        UNROLL
        for (int v = 0; v < TILE / ACROSS; v++)
            sums[v] += LOOP(load_vector)(numbers + v * ACROSS);
    UNROLL
    for (int v = 0; v < TILE / ACROSS; v++)
        LOOP(store_vector)(sums[v], out + v * ACROSS);
}

/* Sums of columns `first` to `end`. Rows are added up in blocks, so that many of them lose no digits. */
static void LOOP(sum_rows)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    enum { BLOCK = 256 };
    const Pass *pass = context;
    for (ptrdiff_t start = first; start < end; start += TILE) {
        if (end - start < TILE && end - first >= TILE)
            start = end - TILE; /* some of them for a second time */
        const int width = (int)least_of(end - start, TILE);
        double whole[TILE] = {0};
        for (ptrdiff_t block = 0; block < pass->rows; block += BLOCK) {
            const ptrdiff_t rows = least_of(BLOCK, pass->rows - block);
            const REAL *numbers = (const REAL *)pass->x + block * pass->columns + start;
            REAL sums[TILE] = {0};
            if (width == TILE)
                LOOP(sum_tile)(numbers, pass->columns, rows, sums);
            else
                for (ptrdiff_t row = 0; row < rows; row++, numbers += pass->columns)
                    for (int i = 0; i < width; i++)
                        sums[i] += numbers[i];
            for (int i = 0; i < width; i++)
                whole[i] += sums[i];
        }
        for (int i = 0; i < width; i++)
            ((REAL *)pass->out)[start + i] = (REAL)whole[i];
    }
}

#undef TILE

#endif
