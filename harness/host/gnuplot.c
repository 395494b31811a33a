/* gnuplot.c - runs gnuplot on a script in a file of its own. */
#include "gnuplot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"

#define TIMEOUT_NS (60 * NS_PER_SECOND)

/* In single quotes, a text that begins with a quote ends at once (gnuplot 5.4); in
 * double ones, backquotes run commands. Octal codes are neither. */
void gnuplot_quote(struct strbuf *script, const char *text)
{
	bool after_octal = false;

	strbuf_addc(script, '"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		bool is_plain = byte >= 0x80 || isalnum(byte) || strchr(" .,:;()/+-=_", byte);

		if (byte < ' ' || byte == 0x7f)
			byte = ' ', is_plain = true;
		/* gnuplot 5.4 takes a digit behind a code for a part of it. */
		after_octal = !is_plain || (after_octal && isdigit(byte));
		if (after_octal)
			strbuf_addf(script, "\\%03o", byte);
		else
			strbuf_addc(script, (char)byte);
	}
	strbuf_addc(script, '"');
}

/* A script is a file that goes with the scope. */
static void remove_script(char **path)
{
	if (*path)
		(void)unlink(*path);
	free(*path);
}

static int write_script(const char *script, char **ret_path, struct error *err)
{
	const char *folder = getenv("TMPDIR");
	cleanup_free char *path = path_join(folder && *folder ? folder : "/tmp",
					    "kerngate-figure.XXXXXX");
	cleanup_close int fd = mkostemp(path, O_CLOEXEC);
	int rc = fd < 0 ? -errno : 0;

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", path);
	*ret_path = string_copy(path);
	rc = fd_write_all(fd, script, strlen(script));
	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

int gnuplot_draw(const char *script, char **ret_output, struct error *err)
{
	cleanup_with(remove_script) char *path = NULL;
	cleanup_free char *program = process_find_program("gnuplot");
	cleanup_free char *output = NULL;
	/* Numbers with points, messages as they are known. */
	static const char *const environment[] = { "LC_ALL=C", NULL };
	const struct process_options options = {
		.environment = environment, .capture = true, .timeout_ns = TIMEOUT_NS,
	};
	int rc;

	if (!program)
		return error_set(err, -ENOENT, "gnuplot is not installed (Debian: the package "
				 GNUPLOT_PACKAGE ")");
	rc = write_script(script, &path, err);
	if (!rc)
		rc = process_run((const char *const[]){ program, "-d", path, NULL }, &options,
				 &output, err);
	if (rc)
		return rc;
	if (!*output)
		return error_set(err, -ENODATA, "gnuplot drew nothing");
	*ret_output = take_pointer(output);
	return 0;
}
