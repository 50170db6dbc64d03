/* What products.c computes, and how it is divided. */
#ifndef MINIDL_PRODUCTS_PLAN_H
#define MINIDL_PRODUCTS_PLAN_H

#include <stddef.h>

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
    ptrdiff_t section, sections; /* steps whose sum is kept apart until the end, and how many such sums there are */
    void *others;                /* the sums of all sections but the first one, whose sums are in C */
    ptrdiff_t high;              /* rows that are packed at once */
    ptrdiff_t panels, sums, room; /* of a part's memory: numbers for packed rows and for sums, and bytes in all */
    ptrdiff_t of_section;        /* parts of each section, or 0 where each part has all sections */
    ptrdiff_t part;              /* rows or columns of a part */
    int by_columns;              /* which of them */
    int a_is_packed;
    int is_thin;                 /* whether there are so few rows that B is read as it lies, */
    int keeps;                   /* or else all columns are packed but once */
    ptrdiff_t few;               /* last columns that are computed each by itself */
} Product;

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
    MOST_SECTIONS = 4,      /* of a sum for few rows, */
    SECTIONS = 2,           /* and for more of them */
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

/* In how many sections a sum is added up. Where B is a weight, a thread that takes some sections reads only those rows
 * of it whose gradient it computes and which it updates: its core's cache still has them, and no other core's has. */
static ptrdiff_t sections_of(const Product *product, double work)
{
    const int has_weight = product->a_further == 1 && product->b_apart == 1;
    const ptrdiff_t side = product->is_thin ? product->rows : most_of(product->rows, product->columns);
    ptrdiff_t sections = !has_weight ? 1 : product->is_thin ? MOST_SECTIONS : SECTIONS;
    /* Of short sums, adding up the sections would take too much of the time. */
    while (sections > 1 && (sections * side > product->inner || sections > work / LEAST_WORK))
        sections /= 2; /* most often, there are as many threads as a power of two */
    return sections;
}

/* What is packed, and how much at once. How a sum is added up depends on the shapes of the matrices alone. */
static void plan_blocks(Product *product, double work, ptrdiff_t item, ptrdiff_t wide)
{
    const ptrdiff_t left_over = product->columns % wide;
    /* So few, and of sums so long, that a vector for them would be mostly waste. */
    product->few = left_over <= most_of(wide / 8, 1) && left_over * LONG_STEPS <= product->inner ? left_over : 0;
    /* Few columns do not repay a copy of A, unless each step would be read from another page. */
    product->a_is_packed = product->a_further == 1
                               ? product->columns > 2 * VECTORS * wide
                               : product->columns > wide || product->a_further > NEAR_STEPS || product->few;
    product->is_thin = product->rows <= THIN_ROWS && product->b_apart == 1;
    const ptrdiff_t thin = product->b_further * item > LONG_BYTES ? THIN_STEPS / 2 : THIN_STEPS;
    const ptrdiff_t most = product->is_thin ? thin : DEPTH_BYTES / item, sections = sections_of(product, work);
    product->depth = divide_up(product->inner, round_up(divide_up(product->inner, most), sections));
    product->section = divide_up(divide_up(product->inner, product->depth), sections) * product->depth;
    product->sections = divide_up(product->inner, product->section);
}

/* Divide it by its sections, if all threads have as much to do then, or by its longer side; returns the number of
 * parts. */
static ptrdiff_t plan_parts(Product *product, double work, int threads, ptrdiff_t item)
{
    const ptrdiff_t sections = product->sections;
    const int by_sections = sections > 1 && threads > 1 && (sections % threads == 0 || threads % sections == 0);
    const ptrdiff_t sharers = by_sections ? divide_up(threads, sections) : threads; /* of a section, or of all */
    product->by_columns = product->columns > product->rows;
    const ptrdiff_t side = product->part = divided_side(product);
    if (sharers > 1) {
        const ptrdiff_t several = most_of(least_of(side / LARGE_SIDE / sharers, 3), 1) * sharers;
        const ptrdiff_t each = (ptrdiff_t)(work / (by_sections ? sections : 1) / LEAST_WORK);
        const ptrdiff_t most = most_of(least_of(side / LEAST_SIDE, each), 1);
        product->part = round_up(divide_up(side, least_of(several, most)), LINE / item);
    }
    const ptrdiff_t parts = divide_up(side, product->part);
    product->of_section = by_sections ? parts : 0;
    return by_sections ? parts * sections : parts;
}

/* How many numbers are packed for all parts. */
static ptrdiff_t shares_of(const Product *product, ptrdiff_t parts, int threads)
{
    if (parts <= threads || product->of_section || !(product->by_columns ? product->a_is_packed : !product->is_thin))
        return 0;
    const ptrdiff_t shares = product->inner * packed_side(product);
    return shares < LEAST_SHARED || shares > MOST_SHARED ? 0 : shares;
}

/* What each of so many parts packs at once, and the memory for it. */
static void plan_memory(Product *product, ptrdiff_t item)
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
    const int borders = product->by_columns && product->part < product->columns && product->depth < product->section;
    product->sums = borders ? round_up(rows * product->part, LINE) : 0;
    product->room = round_up((product->panels + product->sums + product->depth * kept) * item, LINE);
}

#endif
