#pragma once
// The part of PJRT's C interface that package disk uses. Its layout never changes
// within a major version; disk_test.go compares it with go-xla's header.
#include <stddef.h>

typedef struct error error; // opaque

enum { // places in the table of functions
	ERROR_DESTROY = 0,
	CLIENT_COMPILE = 20,
	EXECUTABLE_DESTROY = 40,
	EXECUTABLE_SERIALIZE = 49,
	LOADED_EXECUTABLE_GET_EXECUTABLE = 51,
	EXECUTABLE_DESERIALIZE_AND_LOAD = 56,
};

typedef struct {
	size_t size;
	void *extension;
	struct {
		size_t size;
		void *extension;
		int major, minor;
	} version;
	void *function[];
} table;

typedef struct {
	size_t size;
	void *extension;
	char *code;
	size_t code_size;
	const char *format;
	size_t format_size;
} program;

typedef struct {
	size_t size;
	void *extension;
	void *client;
	const program *program;
	const char *options;
	size_t options_size;
	void *executable; // out
} compile_args;

typedef struct {
	size_t size;
	void *extension;
	void *loaded;
	void *executable; // out
} get_executable_args;

typedef struct {
	size_t size;
	void *extension;
	const void *executable;
	const char *bytes; // out, as all that follows
	size_t bytes_size;
	void *owner;
	void (*free_owner)(void *owner);
} serialize_args;

typedef struct {
	size_t size;
	void *extension;
	void *client;
	const char *bytes;
	size_t bytes_size;
	void *executable; // out
	const char *options;
	size_t options_size;
} load_args;

typedef struct { // of all destructors
	size_t size;
	void *extension;
	void *it;
} destroy_args;

// wrap returns a copy of the plugin's table with compile in its place, or NULL
// and why.
table *wrap(const char *plugin, const char **why);

// These call the plugin.
error *compile(compile_args *args);
int load(void *client, const char *bytes, size_t size, void **executable);
int serialize(void *loaded, serialize_args *args);
