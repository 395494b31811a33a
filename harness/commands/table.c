/* table.c - aligned columns for terminals and mails. Widths count code points,
 * not cells of a terminal: the texts are ASCII but for people's own names.
 */
#include "table.h"

#include <stdbool.h>
#include <string.h>

#define GAP 2
#define LAST_MINIMUM 20 /* the last column never gets narrower than this */

static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void table_add_row(struct table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->columns; i++)
		strvec_push(&table->cells, cells[i]);
}

void table_release(struct table *table)
{
	strvec_release(&table->cells);
}

/* Prints text into a column that begins at `indent`, wrapping between words. */
static void print_wrapped(const char *text, size_t indent, size_t width,
			  FILE *file)
{
	size_t used = 0;

	while (*text) {
		size_t bytes = strcspn(text, " \n");
		cleanup_strbuf struct strbuf word = STRBUF_INIT;
		size_t columns;

		strbuf_add(&word, text, bytes);
		columns = text_width(word.data);
		if (used && used + 1 + columns > width) {
			fprintf(file, "\n%*s", (int)indent, "");
			used = 0;
		}
		fprintf(file, "%s%s", used ? " " : "", word.data);
		used += columns + (used != 0);
		text += bytes;
		if (*text == '\n' && text[1]) {
			fprintf(file, "\n%*s", (int)indent, "");
			used = 0;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', file);
}

void table_print(const struct table *table, FILE *file)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 }, indent = 0, rest;
	size_t last = table->columns - 1;

	for (size_t i = 0; i < table->cells.count; i++) {
		size_t width = text_width(table->cells.items[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t i = 0; i < last; i++)
		indent += widths[i] + GAP;
	rest = indent + LAST_MINIMUM < TABLE_WIDTH ? TABLE_WIDTH - indent :
						     LAST_MINIMUM;
	for (size_t i = 0; i < table->cells.count; i++) {
		const char *text = table->cells.items[i];
		size_t column = i % table->columns;

		if (column == last)
			print_wrapped(text, indent, rest, file);
		else
			fprintf(file, "%s%*s", text,
				(int)(widths[column] - text_width(text) + GAP), "");
	}
}

const char *bytes_format(uint64_t bytes, char text[BYTES_TEXT_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, BYTES_TEXT_MAX, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s",
		 value, units[unit]);
	return text;
}
