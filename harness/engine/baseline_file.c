/* baseline_file.c - a baseline as a file: JSON, keys sorted, cells, rows, metrics and
 * boots in order, so that a change in git shows what changed. It is read as YAML, of
 * which JSON is a part, because that reader knows where everything stands.
 */
#include "baseline.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "config_node.h"
#include "memory.h"
#include "run_json.h"

#define FIGURES_IN_LINE 6
#define CELLS_MAX 1000u
#define ROWS_MAX 1000u
#define METRICS_MAX 1000u

/* --- writing ------------------------------------------------------------------------------- */

/* The shortest text that is read back as the same number. */
static void add_number(struct strbuf *out, double value)
{
	char text[64];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	strbuf_adds(out, text);
}

static json_t *figures_json(const struct baseline_metric *metric)
{
	json_t *array = json_array();
	cleanup_strbuf struct strbuf line = STRBUF_INIT;

	for (size_t i = 0; i < metric->count; i++) {
		strbuf_addf(&line, "%s%llu:", line.length ? " " : "",
			    (unsigned long long)metric->figures[i].boot);
		add_number(&line, metric->figures[i].value);
		if ((i + 1) % FIGURES_IN_LINE && i + 1 < metric->count)
			continue;
		json_array_append_new(array, run_json_text(line.data));
		strbuf_reset(&line);
	}
	return array;
}

/* Where there is no text there is no key: the reader takes no empty ones. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, run_json_text(text));
}

static json_t *metric_json(const struct baseline_metric *metric)
{
	json_t *object = json_object();

	set_text(object, "name", metric->info.name);
	set_text(object, "unit", metric->info.unit);
	set_text(object, "meaning", metric->info.meaning);
	set_text(object, "better", metric_direction_name(metric->info.better));
	set_text(object, "kind", metric_kind_name(metric->info.kind));
	json_object_set_new(object, "secondary", json_boolean(metric->info.secondary));
	json_object_set_new(object, "figures", figures_json(metric));
	return object;
}

static json_t *row_json(const struct baseline_row *row)
{
	json_t *object = json_object(), *metrics = json_array();

	for (size_t i = 0; i < row->count; i++)
		json_array_append_new(metrics, metric_json(&row->metrics[i]));
	set_text(object, "name", row->name);
	set_text(object, "workload", row->workload);
	set_text(object, "arguments", row->arguments);
	json_object_set_new(object, "metrics", metrics);
	return object;
}

static json_t *lines_json(const char *lines)
{
	json_t *array = json_array();

	while (*lines) {
		size_t length = strcspn(lines, "\n");

		json_array_append_new(array, json_stringn(lines, length));
		lines += length + (lines[length] == '\n');
	}
	return array;
}

static json_t *cell_json(const struct baseline_cell *cell)
{
	json_t *object = json_object(), *rows = json_array();

	for (size_t i = 0; i < cell->count; i++)
		if (cell->rows[i].count)
			json_array_append_new(rows, row_json(&cell->rows[i]));
	set_text(object, "guest", cell->guest);
	set_text(object, "suite", cell->suite);
	if (cell->conditions)
		json_object_set_new(object, "conditions", lines_json(cell->conditions));
	json_object_set_new(object, "finished", json_integer(cell->finished));
	json_object_set_new(object, "bad", json_integer(cell->bad));
	json_object_set_new(object, "rows", rows);
	return object;
}

void baseline_format(const struct baseline *baseline, struct strbuf *out)
{
	json_t *object = json_object(), *cells = json_array();
	cleanup_free char *text = NULL;

	for (size_t i = 0; i < baseline->count; i++)
		json_array_append_new(cells, cell_json(&baseline->cells[i]));
	json_object_set_new(object, "format", json_integer(BASELINE_FORMAT));
	set_text(object, "run_id", baseline->run_id);
	set_text(object, "campaign", baseline->campaign);
	set_text(object, "variant", baseline->variant);
	set_text(object, "mode", run_mode_name(baseline->mode));
	json_object_set_new(object, "started_wall_ns", run_json_count(baseline->started_wall_ns));
	json_object_set_new(object, "cells", cells);
	text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(object);
	strbuf_addf(out, "%s\n", text);
}

/* --- reading ------------------------------------------------------------------------------- */

/* Takes "BOOT:VALUE" at *text and the blank behind it; false where none stands there. */
static bool take_figure(const char **text, struct boot_figure *ret)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	ret->boot = strtoull(*text, &end, 10);
	if (errno || *end != ':' || !strchr("-0123456789", end[1]) || !end[1])
		return false;
	*text = end + 1;
	ret->value = strtod(*text, &end);
	if (end == *text || !isfinite(ret->value) || (*end && *end != ' '))
		return false;
	*text = end + (*end == ' ');
	return true;
}

static const char *expect_figures(const char *text)
{
	struct boot_figure figure;

	do {
		if (!take_figure(&text, &figure))
			return "BOOT:FIGURE, such as 0:1234.5, one or several with a blank "
			       "between two";
	} while (*text);
	return NULL;
}

static const char *expect_line(const char *text)
{
	return strchr(text, '=') && *text != '=' ? NULL : "KEY=VALUE";
}

static void add_figures(struct baseline_metric *metric, const struct strvec *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		const char *text = lines->items[i];
		struct boot_figure figure;

		while (*text && take_figure(&text, &figure)) {
			metric->figures = memory_realloc_array(metric->figures, metric->count + 1,
							       sizeof(*metric->figures));
			metric->figures[metric->count++] = figure;
		}
	}
}

static int read_metric(const struct config_node *node, struct baseline_metric *ret,
		       struct error *err)
{
	static const char *const betters[] = { "lower", "higher", NULL };
	cleanup_strvec struct strvec figures = STRVEC_INIT;
	cleanup_free char *kind = NULL;
	int better = 0, rc;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("name", &ret->info.name, config_expect_word), .required = true },
		{ CONFIG_TEXT("unit", &ret->info.unit, NULL) },
		{ CONFIG_TEXT("meaning", &ret->info.meaning, NULL) },
		{ CONFIG_CHOICE("better", &better, betters), .required = true },
		{ CONFIG_TEXT("kind", &kind, NULL), .required = true },
		{ CONFIG_BOOL("secondary", &ret->info.secondary), .required = true },
		{ CONFIG_TEXTS("figures", &figures, expect_figures), .required = true },
	};

	rc = config_read(node, "metric", fields, ARRAY_COUNT(fields), err);
	if (rc)
		return rc;
	if (metric_kind_parse(kind, &ret->info.kind))
		return config_refuse(err, config_find(node, "kind"), "kind",
				     "time, rate, count, tail or outcome");
	ret->info.better = better ? BETTER_HIGHER : BETTER_LOWER;
	if (!ret->info.unit)
		ret->info.unit = string_copy("");
	if (!ret->info.meaning)
		ret->info.meaning = string_copy("");
	add_figures(ret, &figures);
	if (!ret->count)
		return config_refuse(err, config_find(node, "figures"), "figures",
				     "at least one");
	return 0;
}

static int read_row(const struct config_node *node, struct baseline_row *ret,
		    struct error *err)
{
	const struct config_node *metrics = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("name", &ret->name, config_expect_name), .required = true },
		{ CONFIG_TEXT("workload", &ret->workload, config_expect_word), .required = true },
		{ CONFIG_TEXT("arguments", &ret->arguments, NULL) },
		{ CONFIG_LIST_OF("metrics", &metrics, 1, METRICS_MAX), .required = true },
	};
	int rc = config_read(node, "row", fields, ARRAY_COUNT(fields), err);

	if (rc)
		return rc;
	if (!ret->arguments)
		ret->arguments = string_copy("");
	ret->metrics = memory_alloc_array(metrics->count, sizeof(*ret->metrics));
	for (size_t i = 0; !rc && i < metrics->count; i++) {
		rc = read_metric(metrics->items[i], &ret->metrics[ret->count++], err);
		for (size_t k = 0; !rc && k < i; k++)
			if (!strcmp(ret->metrics[k].info.name, ret->metrics[i].info.name))
				rc = config_error(err, -EINVAL, metrics->items[i],
						  "the metric '%s' is there twice",
						  ret->metrics[i].info.name);
	}
	return rc;
}

static void join_lines(const struct strvec *lines, char **ret_text)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < lines->count; i++)
		strbuf_addf(&text, "%s\n", lines->items[i]);
	*ret_text = strbuf_detach(&text);
}

static int read_cell(const struct config_node *node, struct baseline_cell *ret,
		     struct error *err)
{
	cleanup_strvec struct strvec conditions = STRVEC_INIT;
	const struct config_node *rows = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("guest", &ret->guest, config_expect_name), .required = true },
		{ CONFIG_TEXT("suite", &ret->suite, config_expect_name), .required = true },
		{ CONFIG_TEXTS("conditions", &conditions, expect_line), .unique = true },
		{ CONFIG_U32("finished", &ret->finished, 0, UINT32_MAX), .required = true },
		{ CONFIG_U32("bad", &ret->bad, 0, UINT32_MAX), .required = true },
		{ CONFIG_LIST_OF("rows", &rows, 0, ROWS_MAX), .required = true },
	};
	int rc = config_read(node, "cell", fields, ARRAY_COUNT(fields), err);

	if (rc)
		return rc;
	if (ret->bad > ret->finished)
		return config_error(err, -EINVAL, config_find(node, "bad"),
				    "bad: expected at most 'finished' (%u), found %u",
				    ret->finished, ret->bad);
	if (config_find(node, "conditions"))
		join_lines(&conditions, &ret->conditions);
	ret->rows = memory_alloc_array(rows->count, sizeof(*ret->rows));
	for (size_t i = 0; !rc && i < rows->count; i++) {
		rc = read_row(rows->items[i], &ret->rows[ret->count++], err);
		for (size_t k = 0; !rc && k < i; k++)
			if (!strcmp(ret->rows[k].name, ret->rows[i].name))
				rc = config_error(err, -EINVAL, rows->items[i],
						  "the row '%s' is there twice",
						  ret->rows[i].name);
	}
	return rc;
}

static int read_cells(const struct config_node *cells, struct baseline *ret, struct error *err)
{
	int rc = 0;

	ret->cells = memory_alloc_array(cells->count, sizeof(*ret->cells));
	for (size_t i = 0; !rc && i < cells->count; i++) {
		rc = read_cell(cells->items[i], &ret->cells[ret->count++], err);
		for (size_t k = 0; !rc && k < i; k++)
			if (!strcmp(ret->cells[k].guest, ret->cells[i].guest) &&
			    !strcmp(ret->cells[k].suite, ret->cells[i].suite))
				rc = config_error(err, -EINVAL, cells->items[i],
						  "the cell %s/%s is there twice",
						  ret->cells[i].guest, ret->cells[i].suite);
	}
	return rc;
}

/* Before all else: what a newer format holds is not known. */
static int check_format(const struct config_node *root, struct error *err)
{
	const struct config_node *node = root->kind == CONFIG_MAP ? config_find(root, "format") :
								   NULL;
	uint32_t format = 0;
	const struct config_field field = { CONFIG_U32("format", &format, 1, UINT32_MAX) };
	int rc = node ? config_read_value(node, &field, err) : 0;

	if (!rc && format > BASELINE_FORMAT)
		rc = config_error(err, -EPROTO, node, "it is of a newer kerngate (format %u, this "
				  "one knows %d)", format, BASELINE_FORMAT);
	return rc;
}

static int read_root(const struct config_node *root, struct baseline *ret, struct error *err)
{
	static const char *const modes[] = { "timed", "exact", NULL };
	const struct config_node *cells = NULL;
	uint32_t format = 0;
	int mode = 0;
	const struct config_field fields[] = {
		{ CONFIG_U32("format", &format, 1, BASELINE_FORMAT), .required = true },
		{ CONFIG_TEXT("run_id", &ret->run_id, config_expect_word), .required = true },
		{ CONFIG_TEXT("campaign", &ret->campaign, config_expect_name), .required = true },
		{ CONFIG_TEXT("variant", &ret->variant, NULL), .required = true },
		{ CONFIG_CHOICE("mode", &mode, modes), .required = true },
		{ CONFIG_U64("started_wall_ns", &ret->started_wall_ns, 0, INT64_MAX),
		  .required = true },
		{ CONFIG_LIST_OF("cells", &cells, 1, CELLS_MAX), .required = true },
	};
	int rc = check_format(root, err);

	if (!rc)
		rc = config_read(root, "baseline", fields, ARRAY_COUNT(fields), err);
	if (rc)
		return rc;
	ret->mode = mode ? MODE_EXACT : MODE_TIMED;
	return read_cells(cells, ret, err);
}

int baseline_parse(const char *file_name, const char *text, size_t length,
		   struct baseline *ret, struct error *err)
{
	cleanup_config_document struct config_document *document = NULL;
	cleanup_with(baseline_release) struct baseline baseline = { .run_id = NULL };
	int rc = config_document_parse(file_name, text, length, &document, err);

	if (!rc)
		rc = read_root(config_document_root(document), &baseline, err);
	if (rc)
		return rc;
	*ret = baseline;
	baseline = (struct baseline){ .run_id = NULL };
	return 0;
}
