/* report_format.c - the formats by name, and a judged run in one of them. */
#include "report_format.h"

#include <errno.h>
#include <string.h>

#include "render.h"
#include "report_format_parts.h"
#include "suggest.h"

static int write_json(const struct format_input *input, struct strbuf *out,
		      struct error *err)
{
	(void)err;
	render_comparison_json(input->run, input->comparison, out);
	return 0;
}

static const struct {
	const char *name;
	format_writer write;
} formats[] = {
	[REPORT_JUNIT] = { "junit", format_write_junit },
	[REPORT_KTAP] = { "ktap", format_write_ktap },
	[REPORT_KCIDB] = { "kcidb", format_write_kcidb },
	[REPORT_BENCHFMT] = { "benchfmt", format_write_benchfmt },
	[REPORT_LKP] = { "lkp", format_write_lkp },
	[REPORT_BMF] = { "bmf", format_write_bmf },
	[REPORT_CSV] = { "csv", format_write_csv },
	[REPORT_JSON] = { "json", write_json },
};

_Static_assert(ARRAY_COUNT(formats) == REPORT_FORMATS_COUNT, "every format has a writer");

const char *report_format_name(enum report_format format)
{
	return (size_t)format < ARRAY_COUNT(formats) ? formats[format].name : "unknown";
}

int report_format_parse(const char *name, enum report_format *ret_format, struct error *err)
{
	const char *names[REPORT_FORMATS_COUNT];
	cleanup_strbuf struct strbuf known = STRBUF_INIT;
	const char *nearest;

	for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*ret_format = (enum report_format)i;
			return 0;
		}
		names[i] = formats[i].name;
		strbuf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	}
	nearest = suggest_nearest(name, names, ARRAY_COUNT(names));
	return error_set(err, -EINVAL, "unknown format '%s': expected one of %s%s%s%s", name,
			 known.data, nearest ? "; did you mean " : "", nearest ? nearest : "",
			 nearest ? "?" : "");
}

int report_format_write_from(enum report_format format, const struct comparison_source *source,
			     const struct stored_run *run, const struct comparison *comparison,
			     struct strbuf *out, struct error *err)
{
	const struct format_input input = { source, run, comparison };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int rc;

	if ((size_t)format >= ARRAY_COUNT(formats))
		return error_set(err, -EINVAL, "no report format has the number %d", (int)format);
	rc = formats[format].write(&input, &text, err);
	if (rc)
		return error_prefix(err, "%s report of run %s", formats[format].name, run->id);
	strbuf_add(out, text.data, text.length);
	return 0;
}

int report_format_write(enum report_format format, struct run_store *store,
			const struct stored_run *run, const struct comparison *comparison,
			struct strbuf *out, struct error *err)
{
	const struct comparison_source source = comparison_source_of(store);

	return report_format_write_from(format, &source, run, comparison, out, err);
}
