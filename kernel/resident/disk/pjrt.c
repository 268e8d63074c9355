//go:build cgo && !noxla

#include "pjrt.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

static const table *real;

static void drop(int destructor, void *it) {
	destroy_args args = {sizeof args, NULL, it};
	((error * (*)(destroy_args *)) real->function[destructor])(&args);
}

// failed frees an error that nobody is to see.
static int failed(error *e) {
	if (e) drop(ERROR_DESTROY, e);
	return e != NULL;
}

table *wrap(const char *plugin, const char **why) {
	void *library = dlopen(plugin, RTLD_LAZY | RTLD_LOCAL);
	if (!library) {
		*why = dlerror();
		return NULL;
	}
	const table *(*get)(void) = (const table *(*)(void))dlsym(library, "GetPjrtApi");
	if (!get || !(real = get())) {
		*why = "it has no GetPjrtApi";
		return NULL;
	}
	if (real->version.major != 0 || real->size < offsetof(table, function[EXECUTABLE_DESERIALIZE_AND_LOAD + 1])) {
		*why = "its interface is of another version";
		return NULL;
	}
	table *t = malloc(real->size);
	memcpy(t, real, real->size);
	t->function[CLIENT_COMPILE] = compileOrLoad;
	return t;
}

error *compile(compile_args *args) {
	return ((error * (*)(compile_args *)) real->function[CLIENT_COMPILE])(args);
}

int load(void *client, const char *bytes, size_t size, void **executable) {
	load_args args = {.size = sizeof args, .client = client, .bytes = bytes, .bytes_size = size};
	if (failed(((error * (*)(load_args *)) real->function[EXECUTABLE_DESERIALIZE_AND_LOAD])(&args))) return 0;
	*executable = args.executable;
	return 1;
}

int serialize(void *loaded, serialize_args *args) {
	get_executable_args get = {.size = sizeof get, .loaded = loaded};
	if (failed(((error * (*)(get_executable_args *)) real->function[LOADED_EXECUTABLE_GET_EXECUTABLE])(&get))) return 0;
	memset(args, 0, sizeof *args);
	args->size = sizeof *args;
	args->executable = get.executable;
	int ok = !failed(((error * (*)(serialize_args *)) real->function[EXECUTABLE_SERIALIZE])(args));
	drop(EXECUTABLE_DESTROY, get.executable);
	return ok;
}
