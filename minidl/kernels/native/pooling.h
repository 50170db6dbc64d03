/* What the kernels of pooling have in common: windows, taken from Python, and where they lie over images. */
#ifndef MINIDL_POOLING_H
#define MINIDL_POOLING_H

#include "arrays.h"

/* How windows lie over an image, as in `Windows`, with a dilation of 1; each pair is (down, right). */
typedef struct {
    ptrdiff_t kernel[2], stride[2], padding[2];
} Windows;

/* What the loops work on. An image is one channel of one sample, (high, wide); `rows` and `pixels` are its windows. */
typedef struct {
    const void *x, *y, *dy;
    void *out;
    ptrdiff_t high, wide, rows, pixels, samples, channels;
    Windows windows;
    double scale;
} Pooling;

enum {
    GRAIN = 1 << 15,        /* numbers of a part */
    MOST_NUMBERS = 1 << 11, /* of an image's padded rows that a window sees, which loops have memory for */
    MOST_SIZE = 1 << 14,    /* of all sizes, so that their products are not too large */
};

/* The places [first, end) of a window that are in the image, along an axis of this size where it begins at `start`. */
static inline void see(ptrdiff_t start, ptrdiff_t kernel, ptrdiff_t size, ptrdiff_t *first, ptrdiff_t *end)
{
    *first = start < 0 ? -start : 0;
    *end = start + kernel > size ? size - start : kernel;
}

/* Whether windows lie side by side along both axes, with nothing left over. */
static inline int are_tiles(const Pooling *pooling)
{
    const Windows *windows = &pooling->windows;
    return windows->stride[0] == windows->kernel[0] && windows->stride[1] == windows->kernel[1]
           && !windows->padding[0] && !windows->padding[1]
           && pooling->high == pooling->rows * windows->kernel[0]
           && pooling->wide == pooling->pixels * windows->kernel[1];
}

/* Take a tuple of two Python integers of at least `least`. */
static inline int take_pair(PyObject *object, long least, ptrdiff_t *pair)
{
    if (!object || !PyTuple_Check(object) || PyTuple_Size(object) != 2)
        return 0;
    for (int i = 0; i < 2; i++) {
        PyObject *item = PyTuple_GetItem(object, i);
        int overflow;
        if (!PyLong_Check(item))
            return 0;
        long number = PyLong_AsLongAndOverflow(item, &overflow);
        if (overflow || number < least || number > MOST_SIZE)
            return 0;
        pair[i] = number;
    }
    return 1;
}

static inline int take_windows(PyObject *object, Windows *windows)
{
    ptrdiff_t dilation[2];
    return PyTuple_Check(object) && PyTuple_Size(object) == 4
           && take_pair(PyTuple_GetItem(object, 0), 1, windows->kernel)
           && take_pair(PyTuple_GetItem(object, 1), 1, windows->stride)
           && take_pair(PyTuple_GetItem(object, 2), 0, windows->padding)
           && take_pair(PyTuple_GetItem(object, 3), 1, dilation) && dilation[0] == 1 && dilation[1] == 1;
}

/* Whether `outputs` has one number for each window over `images`, each window sees a part of its image, and the
 * loops have memory for the rows that it sees. */
static inline int fits(const Array *images, const Array *outputs, PyObject *object, Pooling *pooling)
{
    Windows *windows = &pooling->windows;
    if (!take_windows(object, windows) || images->dimensions != 4 || outputs->dimensions != 4 || images->size == 0
        || outputs->size == 0 || images->shape[0] != outputs->shape[0] || images->shape[1] != outputs->shape[1])
        return 0;
    for (int axis = 0; axis < 2; axis++) {
        ptrdiff_t size = images->shape[2 + axis], padding = windows->padding[axis], kernel = windows->kernel[axis];
        if (size > MOST_SIZE || padding >= kernel || kernel > size + 2 * padding
            || outputs->shape[2 + axis] != (size + 2 * padding - kernel) / windows->stride[axis] + 1)
            return 0;
    }
    pooling->high = images->shape[2];
    pooling->wide = images->shape[3];
    pooling->rows = outputs->shape[2];
    pooling->pixels = outputs->shape[3];
    pooling->scale = 1 / ((double)windows->kernel[0] * (double)windows->kernel[1]);
    return (pooling->wide + 2 * windows->padding[1] + windows->stride[1]) * windows->kernel[0] <= MOST_NUMBERS;
}

/* Run a loop over `count` images or channels, of so many numbers each. */
static inline void run_images(Loop *loop, Pooling *pooling, ptrdiff_t count, ptrdiff_t numbers)
{
    run_loop(loop, pooling, count, numbers < GRAIN ? GRAIN / numbers : 1);
}

#endif
