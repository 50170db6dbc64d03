/* Arrays of indices: taken only where each of them is in range, so that none leads out of an array. */
#ifndef MINIDL_INDICES_H
#define MINIDL_INDICES_H

#include "arrays.h"

/* Whether all indices lie in [0, below). */
static inline int in_range(const npy_intp *indices, npy_intp count, npy_intp below)
{
    int out_of_range = 0;
    /* Taken as unsigned, a negative index is a huge one. */
    for (npy_intp i = 0; i < count; i++)
        out_of_range |= (npy_uintp)indices[i] >= (npy_uintp)below;
    return !out_of_range;
}

/* Take `object` as an array of intp, of any shape, whose numbers lie in [0, below); 0 if it is none. */
static inline int take_indices(PyObject *object, npy_intp below, Array *array)
{
    if (!is_plain(object, NPY_INTP, READ))
        return 0;
    look(object, array);
    return in_range(array->data, array->size, below);
}

#endif
