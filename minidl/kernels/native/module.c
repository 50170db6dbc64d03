/* The compiled way of minidl's kernels: the module that holds all families, and what all of them need once. */
#define MINIDL_IMPORTS_NUMPY
#include "arrays.h"

#include <stdlib.h>
#include <string.h>

/* A family is a file of kernels. */
#define FAMILIES(EACH) \
    EACH(adaptive) \
    EACH(broadcast) \
    EACH(convolution) \
    EACH(cross_entropy) \
    EACH(dropout) \
    EACH(elementwise) \
    EACH(embedding) \
    EACH(functions) \
    EACH(largest) \
    EACH(losses) \
    EACH(normalization) \
    EACH(pixels) \
    EACH(pooling) \
    EACH(products) \
    EACH(rows) \
    EACH(softmax) \
    EACH(vectors)
#define DECLARED(family) extern PyMethodDef family##_kernels[];
#define LISTED(family) family##_kernels,
FAMILIES(DECLARED)
static PyMethodDef *const families[] = {FAMILIES(LISTED)};

/* The kinds of CPU that the loops are compiled for (see levels.h), from the one that all are. */
static const char *const level_names[] = {"base", "avx2", "avx512"};
int level = 0;

static int highest_level(void)
{
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")))
        return 0;
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
          && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
          && __builtin_cpu_supports("avx512cd")))
        return 1;
    return 2;
#else
    return 0;
#endif
}

PyObject *hand_over(PyObject *numpy_way, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names ? PyTuple_Size(names) : 0;
    PyObject *result = NULL, *keywords = named ? PyDict_New() : NULL, *positional = PyTuple_New(count);
    if (!positional || (named && !keywords))
        goto done;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        if (PyTuple_SetItem(positional, i, args[i]) < 0)
            goto done;
    }
    for (Py_ssize_t i = 0; i < named; i++)
        if (PyDict_SetItem(keywords, PyTuple_GetItem(names, i), args[count + i]) < 0)
            goto done;
    result = PyObject_Call(numpy_way, positional, keywords);
done:
    Py_XDECREF(positional);
    Py_XDECREF(keywords);
    return result;
}

/* bind(name, function, module, text): the kernel of that name, with the function in NumPy that it hands calls to;
 * None where there is none. */
static PyObject *bind(PyObject *self, PyObject *args)
{
    const char *name, *text;
    PyObject *function, *module;
    if (!PyArg_ParseTuple(args, "sOOs", &name, &function, &module, &text))
        return NULL;
    for (size_t family = 0; family < sizeof families / sizeof *families; family++)
        for (PyMethodDef *kernel = families[family]; kernel->ml_name; kernel++)
            if (!strcmp(kernel->ml_name, name)) {
                /* Each kernel is bound once, so that its text is kept for good. */
                kernel->ml_doc = PyMem_Malloc(strlen(text) + 1);
                if (!kernel->ml_doc)
                    return PyErr_NoMemory();
                strcpy((char *)kernel->ml_doc, text);
                return PyCFunction_NewEx(kernel, function, module);
            }
    RETURN_NONE;
}

/* levels(): the names of the levels that this CPU can run, the widest last. */
static PyObject *levels(PyObject *self, PyObject *unused)
{
    int highest = highest_level();
    PyObject *names = PyTuple_New(highest + 1);
    for (int i = 0; names && i <= highest; i++) {
        PyObject *name = PyUnicode_FromString(level_names[i]);
        if (!name || PyTuple_SetItem(names, i, name) < 0)
            Py_CLEAR(names);
    }
    return names;
}

/* use(level): compute with the loops of this level from now on, or with the widest of those below it that there is. */
static PyObject *use(PyObject *self, PyObject *number)
{
    long wanted = PyLong_AsLong(number);
    if (wanted == -1 && PyErr_Occurred())
        return NULL;
    int highest = highest_level();
    level = wanted < 0 ? 0 : wanted > highest ? highest : (int)wanted;
    return PyLong_FromLong(level);
}

/* level(): the number of the level in use. */
static PyObject *level_used(PyObject *self, PyObject *unused)
{
    return PyLong_FromLong(level);
}

/* connect(get_threads, most): the address of the function that says how many threads there are, or 0, and how many
 * there are at most, or 0. */
static PyObject *connect(PyObject *self, PyObject *args)
{
    unsigned long long get;
    int most;
    if (!PyArg_ParseTuple(args, "Ki", &get, &most))
        return NULL;
    take_threads_from((uintptr_t)get, most);
    RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"bind", bind, METH_VARARGS, "The kernel of a name, or None."},
    {"levels", levels, METH_NOARGS, "The levels that this CPU can run."},
    {"use", use, METH_O, "Choose a level."},
    {"level", level_used, METH_NOARGS, "The level in use."},
    {"connect", connect, METH_VARARGS, "Say what tells the number of threads, and the most."},
    {NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_compiled", NULL, -1, functions};

PyMODINIT_FUNC PyInit__compiled(void)
{
    import_array();
    level = highest_level();
    PyObject *module = PyModule_Create(&definition);
    /* A checksum of the C files, by which way.py knows a module that was built from others. */
    if (module && PyModule_AddIntConstant(module, "SOURCES", MINIDL_SOURCES) < 0)
        Py_CLEAR(module);
    return module;
}
