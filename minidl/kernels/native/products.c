/* Products with a weight, and what is added and summed over their rows: see kernels/linear.py.
 *
 * NumPy's BLAS would have threads of its own, which wait for each other without sleeping; and it reads and writes the
 * result once more than is needed, which counts where the sums are as short as a batch. See products_loops.h for the
 * product itself.
 */
#ifndef LOOPS_ONLY
#include "arrays.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registers.h"

/* C = A B of (rows, inner) and (inner, columns), with `bias` added to each row where there is one, and then the larger
 * one of that and 0. Rows of A lie `a_apart`, and columns of B `b_apart`; the next step of a sum lies further. */
typedef struct {
    ptrdiff_t rows, columns, inner, a_apart, a_further, b_apart, b_further;
    const void *a, *b, *bias;
    void *c, *memory, *shared;
    ptrdiff_t shares;            /* numbers that are packed for all parts: A, if these are columns, or B; or 0 */
    int rectifies;
    ptrdiff_t depth;             /* steps of a sum that are added up at once */
    ptrdiff_t high;              /* rows that are packed at once */
    ptrdiff_t panels, sums, room; /* of a part's memory: numbers for packed rows and for sums, and bytes in all */
    ptrdiff_t part;              /* rows or columns of a part */
    int by_columns;              /* which of them */
    int a_is_packed;
    int is_thin;                 /* whether there are so few rows that B is read as it lies, */
    int keeps;                   /* or else all columns are packed but once */
    ptrdiff_t few;               /* last columns that are computed each by itself */
} Product;

/* A walk over arrays, number by number or row by row. */
typedef struct {
    const void *x, *y;
    void *out;
    ptrdiff_t rows, columns;
} Pass;

enum { HEIGHT_avx2 = 4, HEIGHT_avx512 = 8, TALLEST = 8, VECTORS = 3, WIDEST = VECTORS * 64 / sizeof(float) };

enum {
    LINE = 64,              /* bytes of a line of the cache */
    SOME = 64,              /* steps that are interleaved at once */
    BLOCK_ROWS = 32,        /* blocks are multiples of it, for so many rows share lines of the cache */
    SHARE = 96,             /* rows or columns of what is shared that are packed at once: whole panels */
    LEAST_SHARED = 1 << 15, /* numbers, of which packing takes longer than to call another thread; */
    MOST_SHARED = 1 << 22,  /* of more, each part packs what it needs next */
    LONG_STEPS = 100,       /* of a sum, for which a column that is computed by itself pays */
    NEAR_STEPS = 512,       /* numbers from a step to the next, where A is read as it lies */
    SHARING_BYTES = 2048,   /* rows a multiple of it apart share two places of the first cache, for 16 lines in all */
    DEPTH_BYTES = 7 << 8,   /* of a row that is packed */
    THIN_ROWS = 16,
    THIN_STEPS = 64,        /* of B, which is then read in the order in which it lies; half as many */
    LONG_BYTES = 3 << 10,   /* of longer rows, for each of them lies in a page of its own */
    NEAR_BYTES = 1 << 18,   /* of packed columns that stay in half of a core's second cache; */
    FEW_BYTES = 1 << 15,    /* of rows that are packed at once beside them, and of their results, in its first cache; */
    MANY_BYTES = 3 << 17,   /* and beside more columns, which come from farther away */
    KEPT_BYTES = 1 << 23,   /* of columns that are packed but once, to bound the memory of many threads */
    LEAST_WORK = 1 << 19,   /* multiplications of a part: some 10 microseconds */
    LEAST_SIDE = 32,        /* its rows or columns: the other side is packed anew for each part */
    LARGE_SIDE = 256,       /* of which that costs little: more parts than threads, for a core may be slower */
    GRAIN = 1 << 15,        /* numbers of a part, where there is little to do for each */
};

/* How long the side of the result is that is divided, and the other one, of which each part needs all. */
static inline ptrdiff_t divided_side(const Product *product)
{
    return product->by_columns ? product->columns : product->rows;
}

static inline ptrdiff_t whole_side(const Product *product)
{
    return product->by_columns ? product->rows : product->columns;
}

/* The numbers of a step of the whole side, where it is packed. */
static inline ptrdiff_t packed_side(const Product *product)
{
    return product->by_columns ? round_up(product->rows, TALLEST) : round_up(product->columns, WIDEST);
}

#define FAMILY "products.c"
#include "levels.h"

LOOPS(relu);
LOOPS(relu_backward);
LOOPS(sum_rows);

/* Older CPUs, and others than those of x86, leave products to NumPy's BLAS, which knows their instructions. */
#if MINIDL_X86
static Loop *const multiply_loops[][2] = {{NULL, NULL},
                                          {multiply_f32_avx2, multiply_f64_avx2},
                                          {multiply_f32_avx512, multiply_f64_avx512}};
static Loop *const pack_shared_loops[][2] = {{NULL, NULL},
                                             {pack_shared_f32_avx2, pack_shared_f64_avx2},
                                             {pack_shared_f32_avx512, pack_shared_f64_avx512}};
#else
static Loop *const multiply_loops[][2] = {{NULL, NULL}};
static Loop *const pack_shared_loops[][2] = {{NULL, NULL}};
#endif

/* Divide it by its longer side; returns the number of parts. */
static ptrdiff_t plan_parts(Product *product, double work, int threads, ptrdiff_t item)
{
    product->by_columns = product->columns > product->rows;
    const ptrdiff_t side = product->part = divided_side(product);
    if (threads == 1)
        return 1;
    const ptrdiff_t several = most_of(least_of(side / LARGE_SIDE / threads, 3), 1) * threads;
    const ptrdiff_t most = least_of(side / LEAST_SIDE, (ptrdiff_t)(work / LEAST_WORK));
    product->part = round_up(divide_up(side, least_of(several, most_of(most, 1))), LINE / item);
    return divide_up(side, product->part);
}

/* What is packed, and how much at once. How a sum is added up depends on the shapes of the matrices alone. */
static void plan_blocks(Product *product, ptrdiff_t item)
{
    const ptrdiff_t wide = (level < 2 ? BYTES_avx2 : BYTES_avx512) / item, left_over = product->columns % wide;
    /* So few, and of sums so long, that a vector for them would be mostly waste. */
    product->few = left_over <= most_of(wide / 8, 1) && left_over * LONG_STEPS <= product->inner ? left_over : 0;
    /* Few columns do not repay a copy of A, unless each step would be read from another page. */
    product->a_is_packed = product->a_further == 1
                               ? product->columns > 2 * VECTORS * wide
                               : product->columns > wide || product->a_further > NEAR_STEPS || product->few;
    product->is_thin = product->rows <= THIN_ROWS && product->b_apart == 1;
    const ptrdiff_t thin = product->b_further * item > LONG_BYTES ? THIN_STEPS / 2 : THIN_STEPS;
    const ptrdiff_t most = product->is_thin ? thin : DEPTH_BYTES / item;
    product->depth = divide_up(product->inner, divide_up(product->inner, most));
}

/* How many numbers are packed for all parts. */
static ptrdiff_t shares_of(const Product *product, ptrdiff_t parts, int threads)
{
    if (parts <= threads || !(product->by_columns ? product->a_is_packed : !product->is_thin))
        return 0;
    const ptrdiff_t shares = product->inner * packed_side(product);
    return shares < LEAST_SHARED || shares > MOST_SHARED ? 0 : shares;
}

/* What each of so many parts packs at once, and the memory for it. */
static void plan_memory(Product *product, ptrdiff_t parts, ptrdiff_t item)
{
    const ptrdiff_t rows = product->by_columns ? product->rows : product->part;
    const ptrdiff_t padded = round_up(product->by_columns ? product->part : product->columns, WIDEST);
    const ptrdiff_t step = product->depth * item;
    const int is_near = padded <= NEAR_BYTES / step;
    const ptrdiff_t unit = is_near ? BLOCK_ROWS : TALLEST;
    const ptrdiff_t row = is_near ? step + padded * item : step; /* with its results, where these stay near, too */
    const ptrdiff_t most = most_of((is_near ? FEW_BYTES : MANY_BYTES) / row / unit, 1) * unit;
    product->high = round_up(divide_up(rows, divide_up(rows, most)), unit);
    product->keeps = !product->is_thin && padded <= KEPT_BYTES / step && (is_near || rows > product->high);
    const int shares_a = product->shares && product->by_columns, shares_b = product->shares && !product->by_columns;
    product->panels = shares_a ? 0 : round_up(product->high * product->depth, LINE);
    const ptrdiff_t kept = shares_b ? 0 : product->keeps ? padded : WIDEST;
    /* Parts that are columns share lines of the cache at their borders, and would wait for them at each block. */
    const int borders = parts > 1 && product->by_columns && product->depth < product->inner;
    product->sums = borders ? round_up(rows * product->part, LINE) : 0;
    product->room = round_up((product->panels + product->sums + product->depth * kept) * item, LINE);
}

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
    const ptrdiff_t parts = plan_parts(product, work, threads, item);
    plan_blocks(product, item);
    product->shares = shares_of(product, parts, threads);
    plan_memory(product, parts, item);
    char *memory = malloc(parts * product->room + product->shares * item + LINE);
    if (!memory)
        return 0;
    product->memory = memory + (-(uintptr_t)memory & (LINE - 1));
    product->shared = (char *)product->memory + parts * product->room;
    if (product->shares)
        run_loop(PICK(pack_shared, is_double), product, divide_up(whole_side(product), SHARE), 1);
    /* One part counts as two where it is long: then Python's lock is let go for it. */
    run_loop(loop, product, is_long ? most_of(parts, 2) : 1, 1);
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
