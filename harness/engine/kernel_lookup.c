/* kernel_lookup.c - kernels that the cache has. Builds nothing. */
#include "kernel_lookup.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "kernel_inputs.h"
#include "kernel_records.h"
#include "memory.h"

#define TEXT_BYTES_MAX (4 << 20)

void built_kernel_release(struct built_kernel *kernel)
{
	free(kernel->folder);
	free(kernel->image_path);
	free(kernel->bzimage_path);
	free(kernel->config_text);
	free(kernel->release);
	free(kernel->record);
	*kernel = (struct built_kernel){ .folder = NULL };
}

const char *built_kernel_boot_path(const struct built_kernel *kernel, bool moves)
{
	return moves ? kernel->bzimage_path : kernel->image_path;
}

int kernel_spec_key(const struct kernel_spec *spec, char ret_key[SHA256_HEX_SIZE],
		    struct error *err)
{
	cleanup_with(kernel_inputs_release) struct kernel_inputs inputs = {
		.spec = NULL,
	};
	int code = kernel_inputs_load(spec, &inputs, err);

	if (code == 0)
		memcpy(ret_key, inputs.key, SHA256_HEX_SIZE);
	return code;
}

static int read_text(const char *folder, const char *name, char **ret_text,
		     struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	int code = file_read(path, TEXT_BYTES_MAX, ret_text, NULL);

	return code < 0 ? error_set_errno(err, code, "%s", path) : 0;
}

bool kernel_config_moves(const char *config_text)
{
	return strstr(config_text, "CONFIG_RANDOMIZE_BASE=y\n") != NULL;
}

/* The other form of the image, where there must be one. */
static int check_bzimage(const json_t *record, struct built_kernel *kernel,
			 struct error *err)
{
	char sha256[SHA256_HEX_SIZE];
	int code;

	if (!kernel_config_moves(kernel->config_text))
		return 0;
	kernel->bzimage_path = path_join(kernel->folder, "bzImage");
	code = sha256_of_file(kernel->bzimage_path, sha256);
	if (code < 0)
		return error_set_errno(err, code, "%s", kernel->bzimage_path);
	if (strcmp(record_text(record, "bzimage_sha256"), sha256) != 0)
		return error_set(err, -EBADMSG, "%s: bzImage is not what "
				 "kernel.json says", kernel->folder);
	return 0;
}

/* Reads and verifies an entry; -EBADMSG says what is wrong with it. */
static int load_kernel(const char *folder, const char *key,
		       struct built_kernel *ret_kernel, struct error *err)
{
	cleanup_with(built_kernel_release) struct built_kernel kernel = {
		.folder = string_copy(folder),
		.image_path = path_join(folder, "vmlinux"),
		.was_cached = true,
	};
	cleanup_json json_t *record = NULL;
	int code = record_load(folder, "kernel.json", &record, err);

	if (code == 0)
		code = read_text(folder, "kernel.json", &kernel.record, err);
	if (code == 0)
		code = read_text(folder, "config", &kernel.config_text, err);
	if (code < 0)
		return code;
	code = sha256_of_file(kernel.image_path, kernel.image_sha256);
	if (code < 0)
		return error_set_errno(err, code, "%s", kernel.image_path);
	if (strcmp(record_text(record, "key"), key) != 0 ||
	    strcmp(record_text(record, "image_sha256"), kernel.image_sha256) != 0)
		return error_set(err, -EBADMSG, "%s: vmlinux is not what "
				 "kernel.json says", folder);
	code = check_bzimage(record, &kernel, err);
	if (code < 0)
		return code;
	kernel.release = string_copy(record_text(record, "release"));
	memcpy(kernel.key, key, SHA256_HEX_SIZE);
	*ret_kernel = kernel;
	kernel = (struct built_kernel){ .folder = NULL };
	return 0;
}

int kernel_lookup(struct kernel_cache *cache, const char *key,
		  struct built_kernel *ret_kernel, struct error *err)
{
	cleanup_free char *folder = cache_entry_path(cache, ENTRY_KERNEL, key);
	struct error cause = ERROR_INIT;
	int code = cache_entry_hold(cache, ENTRY_KERNEL, key, err);

	if (code == -ENOENT)
		return error_set(err, code, "kernel %.12s is not in the cache",
				 key);
	if (code < 0)
		return code;
	code = load_kernel(folder, key, ret_kernel, &cause);
	if (code == 0)
		return 0;
	return error_set(err, -ENOENT, "damaged: %s", cause.message);
}

int kernel_find(struct kernel_cache *cache, const struct kernel_spec *spec,
		struct built_kernel *ret_kernel, struct error *err)
{
	char key[SHA256_HEX_SIZE];
	int code = kernel_spec_key(spec, key, err);

	return code < 0 ? code : kernel_lookup(cache, key, ret_kernel, err);
}
