/* Rows of a table, taken by their numbers and added up at their numbers: see kernels/embedding.py. */
#ifndef LOOPS_ONLY
#include "indices.h"

#include <stdint.h>
#include <string.h>

/* A table of rows of `width` numbers, and bags of the `places` of such rows: one bag for each of the `rows`. */
typedef struct {
    void *table;
    const npy_intp *bags;
    void *rows;
    ptrdiff_t count, places, width;
} Bags;

#define FAMILY "embedding.c"
#include "levels.h"

enum {
    GRAIN = 1 << 16,       /* numbers of a part */
    LEAST_COLUMNS = 16,    /* of a part of a table, so that its rows are not cut within a line of the cache */
};

LOOPS(bag_means);
LOOPS(add_bags);

static int take_table(PyObject *object, int flags, Array *table)
{
    return take_real(object, flags, table) && table->dimensions == 2;
}

static int is_rows_of(const Array *rows, npy_intp count, const Array *table)
{
    return rows->dimensions == 2 && rows->shape[0] == count && rows->shape[1] == table->shape[1];
}

/* table, bags, out, work */
KERNEL(bag_means)
{
    Array table, bags, out;
    if (names || count != 4 || !take_table(args[0], READ, &table) || !take_indices(args[1], table.shape[0], &bags)
        || bags.dimensions != 2 || !bags.shape[1] || !take_of(&table, args[2], WRITE, &out)
        || !is_rows_of(&out, bags.shape[0], &table) || !apart(&out, &table) || !apart(&out, &bags))
        HAND_OVER;
    Bags all = {table.data, bags.data, out.data, bags.shape[0], bags.shape[1], table.shape[1]};
    run_loop(PICK(bag_means, table.is_double), &all, all.count,
             out.size ? GRAIN / (all.places * all.width + 16) + 1 : 1);
    Py_INCREF(args[2]);
    return args[2];
}

/* Threads share the columns, so that each number of the table has its addends in the same order whatever they are. */
static void run_additions(Bags *all, int is_double)
{
    double work = (double)all->count * (double)all->places * (double)all->width;
    ptrdiff_t threads = threads_now(), grain = (all->width + threads - 1) / threads;
    grain = (grain + LEAST_COLUMNS - 1) / LEAST_COLUMNS * LEAST_COLUMNS;
    run_loop(PICK(add_bags, is_double), all, all->width, work < 2 * GRAIN ? all->width : grain);
}

/* table, indices, rows */
KERNEL(add_rows)
{
    Array table, indices, rows;
    if (names || count != 3 || !take_table(args[0], WRITE, &table)
        || !take_indices(args[1], table.shape[0], &indices) || indices.dimensions != 1
        || !take_of(&table, args[2], READ, &rows) || !is_rows_of(&rows, indices.shape[0], &table)
        || !apart(&table, &rows) || !apart(&table, &indices))
        HAND_OVER;
    Bags all = {table.data, indices.data, rows.data, indices.shape[0], 1, table.shape[1]};
    run_additions(&all, table.is_double);
    RETURN_NONE;
}

/* table, bags, rows, work */
KERNEL(add_bags)
{
    Array table, bags, rows;
    if (names || count != 4 || !take_table(args[0], WRITE, &table) || !take_indices(args[1], table.shape[0], &bags)
        || bags.dimensions != 2 || !bags.shape[1] || !take_of(&table, args[2], READ, &rows)
        || !is_rows_of(&rows, bags.shape[0], &table) || !apart(&table, &rows) || !apart(&table, &bags))
        HAND_OVER;
    Bags all = {table.data, bags.data, rows.data, bags.shape[0], bags.shape[1], table.shape[1]};
    run_additions(&all, table.is_double);
    RETURN_NONE;
}

PyMethodDef embedding_kernels[] = {ENTRY(bag_means), ENTRY(add_rows), ENTRY(add_bags), {NULL}};

#else

static void LOOP(bag_means)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Bags *all = context;
    const ptrdiff_t width = all->width, places = all->places;
    const REAL *table = all->table, divisor = (REAL)places;
    for (ptrdiff_t i = first; i < end; i++) {
        const npy_intp *bag = all->bags + i * places;
        REAL *restrict sum = (REAL *)all->rows + i * width;
        memcpy(sum, table + bag[0] * width, (size_t)width * sizeof(REAL));
        for (ptrdiff_t place = 1; place < places; place++) {
            const REAL *row = table + bag[place] * width;
            for (ptrdiff_t j = 0; j < width; j++)
                sum[j] += row[j];
        }
        for (ptrdiff_t j = 0; j < width; j++)
            sum[j] /= divisor;
    }
}

/* Add each row, divided by the number of places in its bag, at each of these places: some columns of it. */
static void LOOP(add_bags)(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Bags *all = context;
    const ptrdiff_t width = all->width, places = all->places;
    const REAL divisor = (REAL)places;
    for (ptrdiff_t i = 0; i < all->count; i++) {
        const npy_intp *bag = all->bags + i * places;
        const REAL *row = (const REAL *)all->rows + i * width;
        if (places == 1) {
            REAL *restrict sum = (REAL *)all->table + bag[0] * width;
            for (ptrdiff_t j = first; j < end; j++)
                sum[j] += row[j];
            continue;
        }
        for (ptrdiff_t begin = first; begin < end; begin += 8 * LANES) {
            REAL share[8 * LANES];
            const ptrdiff_t columns = end - begin < 8 * LANES ? end - begin : 8 * LANES;
            for (ptrdiff_t j = 0; j < columns; j++)
                share[j] = row[begin + j] / divisor;
            for (ptrdiff_t place = 0; place < places; place++) {
                REAL *restrict sum = (REAL *)all->table + bag[place] * width + begin;
                for (ptrdiff_t j = 0; j < columns; j++)
                    sum[j] += share[j];
            }
        }
    }
}

#endif
