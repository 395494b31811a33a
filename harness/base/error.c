/* error.c - formatting of errors. Not for reporting them: main prints, once. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "memory.h"

static void store_message(struct error *err, const char *text)
{
	size_t length = strlen(text);

	if (length < sizeof(err->message)) {
		memcpy(err->message, text, length + 1);
		return;
	}
	length = sizeof(err->message) - 4;
	memcpy(err->message, text, length);
	memcpy(err->message + length, "...", 4);
}

int error_set(struct error *err, int code, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	if (!err)
		return code;
	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	err->code = code;
	store_message(err, text);
	return code;
}

int error_set_errno(struct error *err, int code, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	if (!err)
		return code;
	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	return error_set(err, code, "%s: %s", text, strerror(-code));
}

int error_prefix(struct error *err, const char *format, ...)
{
	cleanup_free char *context = NULL, *text = NULL;
	va_list arguments;

	if (!err)
		return -EIO;
	va_start(arguments, format);
	context = string_vformat(format, arguments);
	va_end(arguments);
	text = string_format("%s: %s", context, err->message);
	store_message(err, text);
	if (err->code == 0)
		err->code = -EIO;
	return err->code;
}
