/* Rows of arrays of any kind of numbers, copied byte by byte: see kernels/rows.py. */
#include "indices.h"

#include <string.h>

#include "registers.h"

enum {
    GRAIN_BYTES = 1 << 18, /* of a part: copying them takes some 20 microseconds */
    LINE = 64,
};

typedef struct {
    const char *source;
    const npy_intp *indices;
    char *target;
    size_t bytes;
    ptrdiff_t count;
} Gather;

static void copy_rows(void *context, ptrdiff_t first, ptrdiff_t end)
{
    const Gather *gather = context;
    const npy_intp *indices = gather->indices;
    size_t bytes = gather->bytes;
    for (ptrdiff_t i = first; i < end; i++) {
        const char *from = gather->source + (size_t)indices[i] * bytes;
        const char *next = gather->source + (size_t)indices[i + 1 < end ? i + 1 : i] * bytes;
        char *to = gather->target + (size_t)i * bytes;
        size_t at = 0;
        for (; at + LINE <= bytes; at += LINE) {
            FETCH(next + at, SECOND); /* no CPU foresees which row comes next in a random order */
            memcpy(to + at, from + at, LINE);
        }
        memcpy(to + at, from + at, bytes - at);
    }
}

/* Rows of single numbers: the compiler knows how long they are. */
#define COPY_NUMBERS(name, size)                                                                \
    static void name(void *context, ptrdiff_t first, ptrdiff_t end)                             \
    {                                                                                           \
        const Gather *gather = context;                                                         \
        const npy_intp *indices = gather->indices;                                              \
        for (ptrdiff_t i = first; i < end; i++)                                                 \
            memcpy(gather->target + i * size, gather->source + (size_t)indices[i] * size, size); \
    }

COPY_NUMBERS(copy_4, 4)
COPY_NUMBERS(copy_8, 8)

/* Whether it is an array of numbers that can be copied as bytes; of whatever subclass, as it is only read. */
static int has_plain_rows(PyObject *object)
{
    if (!PyArray_Check(object))
        return 0;
    PyArrayObject *array = (PyArrayObject *)object;
    int type = PyArray_TYPE(array);
    return PyArray_NDIM(array) && (type < NPY_OBJECT || type == NPY_HALF) && PyArray_IS_C_CONTIGUOUS(array);
}

/* array, indices, out */
KERNEL(gather)
{
    Array source, indices, target;
    if (names || count != 3 || !has_plain_rows(args[0]) || !PyArray_CheckExact(args[2]))
        HAND_OVER;
    PyArrayObject *array = (PyArrayObject *)args[0], *out = (PyArrayObject *)args[2];
    if (PyArray_TYPE(out) != PyArray_TYPE(array) || PyArray_ISNOTSWAPPED(out) != PyArray_ISNOTSWAPPED(array)
        || !PyArray_IS_C_CONTIGUOUS(out) || !PyArray_ISWRITEABLE(out))
        HAND_OVER;
    look(args[0], &source);
    look(args[2], &target);
    if (!take_indices(args[1], source.shape[0], &indices)
        || target.dimensions != indices.dimensions + source.dimensions - 1)
        HAND_OVER;
    for (int axis = 0; axis < target.dimensions; axis++)
        if (target.shape[axis] != (axis < indices.dimensions ? indices.shape[axis]
                                                             : source.shape[axis - indices.dimensions + 1]))
            HAND_OVER;
    if (!apart(&target, &source) || !apart(&target, &indices))
        HAND_OVER;
    if (target.bytes) {
        size_t bytes = (size_t)(target.bytes / indices.size);
        Gather gather = {source.data, indices.data, target.data, bytes, indices.size};
        Loop *loop = bytes == 4 ? copy_4 : bytes == 8 ? copy_8 : copy_rows;
        /* A short row costs a call of its own. */
        run_loop(loop, &gather, indices.size, (ptrdiff_t)(GRAIN_BYTES / (bytes + LINE)) + 1);
    }
    Py_INCREF(args[2]);
    return args[2];
}

PyMethodDef rows_kernels[] = {ENTRY(gather), {NULL}};
