/* kernel_spec.c - kernel specs as values, and the two small texts they are
 * made of: quilt series and config fragments. Builds nothing.
 */
#include "kernel_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"

#define BLANKS " \t"
#define PREFIX_DIGITS_MAX 6 /* of "series@N" */

const char *source_kind_name(enum source_kind kind)
{
	static const char *const names[] = {
		[SOURCE_DEBIAN] = "debian", [SOURCE_GIT] = "git",
		[SOURCE_TARBALL] = "tarball", [SOURCE_DIR] = "dir",
	};

	return names[kind];
}

void source_spec_release(struct source_spec *source)
{
	free(source->package);
	free(source->suite);
	free(source->package_version);
	free(source->url);
	free(source->ref);
	free(source->location);
	free(source->sha256);
	free(source->path);
	*source = (struct source_spec){ .package = NULL };
}

void kernel_base_release(struct kernel_base *base)
{
	free(base->name);
	free(base->version);
	for (size_t i = 0; i < base->sources_count; i++)
		source_spec_release(&base->sources[i]);
	free(base->sources);
	*base = (struct kernel_base){ .name = NULL };
}

void kernel_spec_release(struct kernel_spec *spec)
{
	kernel_base_release(&spec->base);
	strvec_release(&spec->series);
	strvec_release(&spec->fragments);
	free(spec->cc);
	*spec = (struct kernel_spec){ .cc = NULL };
}

static struct source_spec source_copied(const struct source_spec *from)
{
	return (struct source_spec){
		.kind = from->kind,
		.package = string_copy(from->package),
		.suite = string_copy(from->suite),
		.package_version = string_copy(from->package_version),
		.url = string_copy(from->url),
		.ref = string_copy(from->ref),
		.location = string_copy(from->location),
		.sha256 = string_copy(from->sha256),
		.path = string_copy(from->path),
	};
}

void kernel_spec_copy(struct kernel_spec *to, const struct kernel_spec *from)
{
	size_t count = from->base.sources_count;

	*to = (struct kernel_spec){
		.base.name = string_copy(from->base.name),
		.base.version = string_copy(from->base.version),
		.base.sources = memory_alloc_array(count,
						   sizeof(*to->base.sources)),
		.base.sources_count = count,
		.base.is_pinned = from->base.is_pinned,
		.cc = string_copy(from->cc),
	};
	for (size_t i = 0; i < count; i++)
		to->base.sources[i] = source_copied(&from->base.sources[i]);
	strvec_copy(&to->series, &from->series);
	strvec_copy(&to->fragments, &from->fragments);
}

char *series_split(const char *series, size_t *ret_patches_max)
{
	const char *slash = strrchr(series, '/'), *at = strrchr(series, '@');
	const char *digits = at ? at + 1 : "";
	size_t length = strspn(digits, "0123456789");

	/* as a number is written, and not one that a folder is named by */
	if (!length || digits[length] || length > PREFIX_DIGITS_MAX || at == series ||
	    (slash && (at < slash || at == slash + 1)) || (digits[0] == '0' && length > 1)) {
		*ret_patches_max = SIZE_MAX;
		return string_copy(series);
	}
	*ret_patches_max = strtoul(digits, NULL, 10);
	return string_copy_n(series, (size_t)(at - series));
}

/* The next line as a copy without its newline; NULL at the end. */
static char *next_line(const char **text)
{
	const char *start = *text;
	size_t length = strcspn(start, "\n");

	if (!*start)
		return NULL;
	*text = start + length + (start[length] == '\n');
	return string_copy_n(start, length);
}

/* Why a patch's name will not do, or NULL. */
static const char *patch_name_problem(const char *name)
{
	cleanup_free char *copy = string_copy(name);
	char *rest = copy, *part;

	if (*name == '/')
		return "an absolute path; expected one below the series folder";
	if (*name == '-')
		return "an option without a patch before it";
	for (const char *c = name; *c; c++)
		if (iscntrl((unsigned char)*c))
			return "a control character in a name";
	while ((part = strsep(&rest, "/")))
		if (!strcmp(part, ".."))
			return "'..' in a name; expected one below the series folder";
	return NULL;
}

/* One line of a series: "name [-p1] [# comment]". */
static int series_line(char *line, struct strvec *patches,
		       const char **ret_problem)
{
	char *rest = line, *name, *option;

	*ret_problem = NULL;
	for (char *c = line; (c = strchr(c, '#')); c++) {
		if (c == line || strchr(BLANKS, c[-1])) {
			*c = '\0';
			break;
		}
	}
	name = strtok_r(rest, BLANKS, &rest);
	if (!name)
		return 0;
	*ret_problem = patch_name_problem(name);
	if (!*ret_problem && strvec_contains(patches, name))
		*ret_problem = "a patch that is there twice";
	if (*ret_problem)
		return -EINVAL;
	while ((option = strtok_r(NULL, BLANKS, &rest))) {
		if (strcmp(option, "-p1") != 0) {
			*ret_problem = "an option other than -p1";
			return -EINVAL;
		}
	}
	strvec_push(patches, name);
	return 0;
}

int patch_series_parse(const char *file_name, const char *text,
		       struct strvec *ret_patches, struct error *err)
{
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	size_t number = 0;

	for (;;) {
		cleanup_free char *line = next_line(&text);
		cleanup_free char *original = string_copy(line);
		const char *problem;

		if (!line)
			break;
		number++;
		if (series_line(line, &patches, &problem) < 0)
			return error_set(err, -EINVAL, "%s:%zu: %s: '%.200s'",
					 file_name, number, problem, original);
	}
	*ret_patches = patches;
	patches = STRVEC_INIT;
	return 0;
}

static bool is_option(const char *name)
{
	static const char prefix[] = "CONFIG_";
	const char *rest = name + strlen(prefix);

	if (strncmp(name, prefix, strlen(prefix)) != 0 || !*rest)
		return false;
	for (; *rest; rest++)
		if (!isalnum((unsigned char)*rest) && *rest != '_')
			return false;
	return true;
}

static bool is_config_string(const char *value)
{
	if (*value++ != '"')
		return false;
	for (; *value && *value != '"'; value++) {
		if (iscntrl((unsigned char)*value))
			return false;
		if (*value == '\\' && !*++value)
			return false;
	}
	return value[0] == '"' && !value[1];
}

/* y, m, n, a decimal or hexadecimal number, "text" */
static bool is_config_value(const char *value)
{
	const char *digits = *value == '-' ? value + 1 : value;

	if (!strcmp(value, "y") || !strcmp(value, "m") || !strcmp(value, "n"))
		return true;
	if (*value == '"')
		return is_config_string(value);
	if (!strncmp(value, "0x", 2))
		return value[2] &&
		       !value[2 + strspn(value + 2, "0123456789abcdefABCDEF")];
	return *digits && !digits[strspn(digits, "0123456789")];
}

static void requests_put(struct config_requests *requests, const char *option,
			 const char *value, const char *origin)
{
	struct config_request *item = NULL;

	for (size_t i = 0; i < requests->count && !item; i++)
		if (!strcmp(requests->items[i].option, option))
			item = &requests->items[i];
	if (!item) {
		requests->items =
			memory_realloc_array(requests->items,
					     requests->count + 1, sizeof(*item));
		item = &requests->items[requests->count++];
		*item = (struct config_request){ .option = string_copy(option) };
	}
	free(item->value);
	free(item->origin);
	item->value = string_copy(value);
	item->origin = string_copy(origin);
}

/* Splits "CONFIG_X=value" and "# CONFIG_X is not set"; both NULL for comments
 * and blank lines. The pointers lie within line. */
static int split_request(char *line, char **ret_option, char **ret_value)
{
	static const char not_set[] = " is not set";
	size_t length = strlen(line);
	char *equals;

	*ret_option = NULL;
	*ret_value = NULL;
	while (length && strchr(BLANKS "\r", line[length - 1]))
		line[--length] = '\0';
	if (!length)
		return 0;
	if (*line == '#') {
		if (length < 2 + strlen(not_set) || strncmp(line, "# CONFIG_", 9) ||
		    strcmp(line + length - strlen(not_set), not_set) != 0)
			return 0;
		line[length - strlen(not_set)] = '\0';
		*ret_option = line + 2;
		*ret_value = line + length; /* "", stands for n */
		return is_option(*ret_option) ? 0 : -EINVAL;
	}
	equals = strchr(line, '=');
	if (!equals)
		return -EINVAL;
	*equals = '\0';
	*ret_option = line;
	*ret_value = equals + 1;
	return is_option(line) && is_config_value(equals + 1) ? 0 : -EINVAL;
}

int config_requests_add(struct config_requests *requests, const char *file_name,
			const char *text, struct error *err)
{
	size_t number = 0;

	for (;;) {
		cleanup_free char *line = next_line(&text);
		cleanup_free char *original = string_copy(line);
		cleanup_free char *origin = NULL;
		char *option, *value;

		if (!line)
			return 0;
		number++;
		if (split_request(line, &option, &value) < 0)
			return error_set(err, -EINVAL,
					 "%s:%zu: expected CONFIG_X=value or "
					 "'# CONFIG_X is not set', found '%.200s'",
					 file_name, number, original);
		if (!option)
			continue;
		origin = string_format("%s:%zu", file_name, number);
		requests_put(requests, option, *value ? value : "n", origin);
	}
}

void config_requests_release(struct config_requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		free(requests->items[i].option);
		free(requests->items[i].value);
		free(requests->items[i].origin);
	}
	free(requests->items);
	*requests = CONFIG_REQUESTS_INIT;
}

char *config_text_value(const char *config_text, const char *option)
{
	size_t length = strlen(option);

	for (const char *line = config_text; line && *line;) {
		if (!strncmp(line, option, length) && line[length] == '=') {
			const char *value = line + length + 1;

			return string_copy_n(value, strcspn(value, "\r\n"));
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return string_copy("n");
}

int config_requests_check(const struct config_requests *requests,
			  const char *config_text, struct error *err)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;
	size_t count = 0;

	for (size_t i = 0; i < requests->count; i++) {
		const struct config_request *item = &requests->items[i];
		cleanup_free char *value =
			config_text_value(config_text, item->option);

		if (!strcmp(value, item->value))
			continue;
		strbuf_addf(&list, "\n  %s=%s, asked for at %s, became %s",
			    item->option, item->value, item->origin, value);
		count++;
	}
	if (!count)
		return 0;
	return error_set(err, -EINVAL,
			 "Kconfig did not take %zu option%s (a dependency is "
			 "missing, or the name is unknown to this kernel):%s",
			 count, count > 1 ? "s" : "", list.data);
}
