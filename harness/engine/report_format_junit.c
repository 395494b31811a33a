/* report_format_junit.c - JUnit XML as junit-10.xsd (xUnit plugin of Jenkins) has it. */
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "render_parts.h"
#include "report_format_parts.h"

static void add_attribute(struct strbuf *out, const char *name, const char *value)
{
	cleanup_free char *text = format_text(value, false);

	strbuf_addf(out, " %s=\"", name);
	strbuf_add_xml(out, text);
	strbuf_addc(out, '"');
}

/* Seconds with three decimals, which is as many as there may be. */
static void add_time(struct strbuf *out, uint64_t duration_ns)
{
	uint64_t ms = (duration_ns + NS_PER_MS / 2) / NS_PER_MS;

	strbuf_addf(out, " time=\"%llu.%03llu\"", (unsigned long long)(ms / 1000),
		    (unsigned long long)(ms % 1000));
}

static void add_property(struct strbuf *out, const char *name, const char *value)
{
	strbuf_adds(out, "      <property");
	add_attribute(out, "name", name);
	add_attribute(out, "value", value ? value : "");
	strbuf_adds(out, "/>\n");
}

static void add_properties(const struct format_input *input, struct strbuf *out)
{
	static const char *const keys[] = { "host.cpu_model", "host.kernel_release",
					    "hypervisor", "toolchain" };
	const struct stored_run *run = input->run;
	cleanup_free char *gate = string_format("%d", (int)input->comparison->gate);

	strbuf_adds(out, "    <properties>\n");
	add_property(out, "run", run->id);
	add_property(out, "campaign", run->campaign);
	add_property(out, "state", run->state);
	add_property(out, "mode", run_mode_name(run->mode));
	add_property(out, "baseline", run->variants[run->baseline].label);
	add_property(out, "accelerator", run->accelerator);
	add_property(out, "gate", gate);
	for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
		cleanup_free char *value = render_fingerprint(run, -1, keys[i]);

		if (value)
			add_property(out, keys[i], value);
	}
	strbuf_adds(out, "    </properties>\n");
}

static void add_result(const struct format_case *item, struct strbuf *out)
{
	static const char *const elements[] = {
		[CASE_FAIL] = "failure",
		[CASE_UNSETTLED] = "skipped",
		[CASE_ERROR] = "error",
	};

	if (item->status == CASE_PASS)
		return;
	strbuf_addf(out, "      <%s", elements[item->status]);
	add_attribute(out, "type", item->type);
	add_attribute(out, "message", item->message);
	strbuf_adds(out, "/>\n");
}

/* Dots make the levels of a test report's tree. */
static char *class_name(const struct format_input *input, const struct format_case *item)
{
	cleanup_free char *campaign = format_word(input->run->campaign, "_-");
	cleanup_free char *place = format_word(item->place, "_-/");

	for (char *c = place; *c; c++)
		*c = *c == '/' ? '.' : *c;
	return string_format("%s.%s", campaign, place);
}

static void add_case(const struct format_input *input, const struct format_case *item,
		     struct strbuf *out)
{
	cleanup_free char *class = class_name(input, item);
	cleanup_free char *message = format_text(item->message, false);
	cleanup_free char *output = format_text(item->output, true);

	strbuf_adds(out, "    <testcase");
	add_attribute(out, "name", item->name);
	add_attribute(out, "classname", class);
	add_time(out, item->duration_ns);
	strbuf_adds(out, ">\n");
	add_result(item, out);
	strbuf_adds(out, "      <system-out>");
	strbuf_add_xml(out, message);
	strbuf_addc(out, '\n');
	strbuf_add_xml(out, output);
	strbuf_adds(out, "</system-out>\n    </testcase>\n");
}

static void add_suite(const struct format_input *input, const struct format_suite *suite,
		      struct strbuf *out)
{
	char started[CLOCK_TEXT_MAX];

	strbuf_adds(out, "  <testsuite");
	add_attribute(out, "name", suite->name);
	strbuf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
		    suite->count, format_suite_count(suite, CASE_FAIL),
		    format_suite_count(suite, CASE_ERROR),
		    format_suite_count(suite, CASE_UNSETTLED));
	add_time(out, suite->duration_ns);
	add_attribute(out, "timestamp", clock_format_utc(input->run->started_wall_ns, started));
	strbuf_adds(out, ">\n");
	add_properties(input, out);
	for (size_t i = 0; i < suite->count; i++)
		add_case(input, &suite->cases[i], out);
	strbuf_adds(out, "  </testsuite>\n");
}

int format_write_junit(const struct format_input *input, struct strbuf *out,
		       struct error *err)
{
	struct format_suite *suites;
	size_t count;
	int rc = format_suites_make(input, &suites, &count, err);

	if (rc)
		return rc;
	strbuf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (size_t i = 0; i < count; i++)
		add_suite(input, &suites[i], out);
	strbuf_adds(out, "</testsuites>\n");
	format_suites_free(suites, count);
	return 0;
}
