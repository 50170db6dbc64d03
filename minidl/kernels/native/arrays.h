/* What every family of kernels needs to take its arguments: arrays that are looked at before they are used.
 *
 * A kernel is called with the arguments of the function in NumPy that it stands for, and with that function
 * itself as `numpy_way`. Whatever it does not take as it is (other types, strides, overlapping arrays, a missing
 * or a named argument) it hands over to that function, which computes it or says what is wrong. So nothing here
 * raises an error of its own.
 */
#ifndef MINIDL_ARRAYS_H
#define MINIDL_ARRAYS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL minidl_numpy
#ifndef MINIDL_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "pool.h"

/* The signature of all kernels, and their entry in the list of a family. */
#define KERNEL(name) \
    static PyObject *name(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names)
#define ENTRY(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, NULL}
#define HAND_OVER return hand_over(numpy_way, args, count, names)

/* What Py_RETURN_NONE promises. In the headers of Python 3.12 and of 3.13.0 it leaves out the new reference, since
 * None is not counted there; but one module serves all versions, and Python 3.11 counts: it would end within minutes.
 */
#define RETURN_NONE return Py_NewRef(Py_None)

/* An array of float32 or float64 in C order, in native bytes, aligned to its numbers. */
typedef struct {
    void *data;
    npy_intp size;          /* numbers */
    npy_intp bytes;
    int dimensions;
    const npy_intp *shape;
    int is_double;
} Array;

enum { READ = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED, WRITE = READ | NPY_ARRAY_WRITEABLE };

PyObject *hand_over(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names);

/* Whether `object` is an array (of no subclass) of this NumPy type that can be walked as it lies. */
static inline int is_plain(PyObject *object, int type, int flags)
{
    if (!PyArray_CheckExact(object))
        return 0;
    PyArrayObject *array = (PyArrayObject *)object;
    return PyArray_TYPE(array) == type && (PyArray_FLAGS(array) & flags) == flags && PyArray_ISNOTSWAPPED(array);
}

static inline void look(PyObject *object, Array *array)
{
    PyArrayObject *found = (PyArrayObject *)object;
    array->data = PyArray_DATA(found);
    array->size = PyArray_SIZE(found);
    array->bytes = PyArray_NBYTES(found);
    array->dimensions = PyArray_NDIM(found);
    array->shape = PyArray_DIMS(found);
    array->is_double = PyArray_TYPE(found) == NPY_DOUBLE;
}

static inline int is_shaped_like(const Array *one, const Array *other)
{
    if (one->dimensions != other->dimensions)
        return 0;
    for (int axis = 0; axis < one->dimensions; axis++)
        if (one->shape[axis] != other->shape[axis])
            return 0;
    return 1;
}

/* Take `object` as an array of float32 or float64 of any shape; 0 if it is none. */
static inline int take_real(PyObject *object, int flags, Array *array)
{
    if (!is_plain(object, NPY_FLOAT, flags) && !is_plain(object, NPY_DOUBLE, flags))
        return 0;
    look(object, array);
    return 1;
}

/* The same, of the dtype of `other`. */
static inline int take_of(const Array *other, PyObject *object, int flags, Array *array)
{
    if (!is_plain(object, other->is_double ? NPY_DOUBLE : NPY_FLOAT, flags))
        return 0;
    look(object, array);
    return 1;
}

/* The same, of the dtype and shape of `other`. */
static inline int take_like(const Array *other, PyObject *object, int flags, Array *array)
{
    return take_of(other, object, flags, array) && is_shaped_like(array, other);
}

static inline int apart(const Array *one, const Array *other)
{
    const char *first = one->data, *second = other->data;
    return first + one->bytes <= second || second + other->bytes <= first;
}

/* Whether the arrays share no memory, or all of it: number by number, both are safe to write while reading. */
static inline int apart_or_same(const Array *one, const Array *other)
{
    return one->data == other->data || apart(one, other);
}

static inline PyObject *new_array(int dimensions, const npy_intp *shape, int is_double)
{
    return PyArray_SimpleNew(dimensions, (npy_intp *)shape, is_double ? NPY_DOUBLE : NPY_FLOAT);
}

/* `object`, which `array` was taken of, or where it is None a new array of this shape, in `array` too. */
static inline PyObject *given_or_new(PyObject *object, int dimensions, const npy_intp *shape, int is_double,
                                     Array *array)
{
    if (object != Py_None) {
        Py_INCREF(object);
        return object;
    }
    PyObject *made = new_array(dimensions, shape, is_double);
    if (made)
        look(made, array);
    return made;
}

/* Take a Python float or integer; 0 for all else. */
static inline int take_number(PyObject *object, double *number)
{
    if (PyFloat_Check(object)) {
        *number = PyFloat_AsDouble(object);
        return 1;
    }
    if (!PyLong_Check(object) || PyBool_Check(object))
        return 0;
    *number = PyLong_AsDouble(object);
    if (*number == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

#endif
