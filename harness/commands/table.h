/* table.h - rows of text in aligned columns, at most 80 wide; the last column
 * is wrapped between words. For lists; the verdict table is engine/render.h's.
 *
 *     cleanup_table struct table table = TABLE_INIT(3);
 *     table_add(&table, "NAME", "SIZE", "PURPOSE");
 *     table_print(&table, stdout);
 */
#ifndef KERNGATE_COMMANDS_TABLE_H
#define KERNGATE_COMMANDS_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "strbuf.h"

#define TABLE_WIDTH 80
#define TABLE_COLUMNS_MAX 8

struct table {
	size_t columns;
	struct strvec cells; /* row after row */
};

#define TABLE_INIT(columns_count) ((struct table){ .columns = (columns_count) })

/* One string for each column, copied. */
#define table_add(table, ...)                                                  \
	table_add_row(table, (const char *const[]){ __VA_ARGS__, NULL })
void table_add_row(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *file);
void table_release(struct table *table);
#define cleanup_table cleanup_with(table_release)

/* "1.5 GiB", "12 MiB", "3 KiB": for people. */
#define BYTES_TEXT_MAX 24
const char *bytes_format(uint64_t bytes, char text[BYTES_TEXT_MAX]);

#endif
