/* results_index.c - results/index.html as a whole. As the report of a run it may do
 * nothing but be shown: no script, nothing loaded.
 */
#include "results_index.h"

#include <string.h>

#include "clock.h"
#include "files.h"
#include "html_text.h"
#include "log.h"
#include "memory.h"
#include "render.h"
#include "report_html.h"
#include "results_index_parts.h"

#define REPORT_FILE "report.html"
#define NAME_BYTES 200
#define SUMMARY_BYTES 400

/* --- what the sections share ----------------------------------------------------------------- */

const char *index_day(uint64_t wall_ns, char text[INDEX_DAY_MAX])
{
	char whole[CLOCK_TEXT_MAX];

	clock_format_utc(wall_ns, whole);
	whole[INDEX_DAY_MAX - 1] = '\0';
	return strcpy(text, whole);
}

void index_add_badge(enum index_mark mark, struct strbuf *out)
{
	if (mark < MARK_WITHHELD)
		report_html_badge((enum verdict)mark, out);
	else
		strbuf_addf(out, "<span class=\"v\">%s</span>",
			    mark == MARK_FIGURE ? "derived" : index_mark_name(mark));
}

/* As a path of one step: RFC 3986's unreserved characters stay, all others are written as
 * bytes, so that no name leaves the folder or becomes a scheme. */
static void add_step(const char *name, struct strbuf *out)
{
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		    (*c >= '0' && *c <= '9') || strchr("-._~", *c))
			strbuf_addc(out, (char)*c);
		else
			strbuf_addf(out, "%%%02X", *c);
	}
}

static bool has_report(const struct results_index *index, const char *run_id)
{
	cleanup_free char *folder = NULL, *path = NULL;

	if (!run_id || !*run_id || strchr(run_id, '/') || run_id[0] == '.')
		return false;
	folder = run_store_run_folder(index->store, run_id);
	path = path_join(folder, REPORT_FILE);
	return path_exists(path);
}

void index_add_run_link(const struct results_index *index, const char *run_id,
			const char *html, struct strbuf *out)
{
	bool is_link = has_report(index, run_id);

	if (is_link) {
		strbuf_adds(out, "<a href=\"");
		add_step(run_id, out);
		strbuf_adds(out, "/" REPORT_FILE "\">");
	}
	strbuf_adds(out, html);
	strbuf_adds(out, is_link ? "</a>" : "");
}

/* --- the page ---------------------------------------------------------------------------- */

/* The newest of a campaign's nights, else of all runs. */
struct newest {
	const struct stored_night *night;
	const struct stored_run_line *run;
	int status;                  /* -1: not finished, or not judged */
};

static struct newest find_newest(const struct results_index *index)
{
	struct newest newest = { .status = -1 };

	if (index->nights_count) {
		newest.night = &index->nights[0];
		newest.status = newest.night->finished_wall_ns ? newest.night->status : -1;
		return newest;
	}
	for (size_t i = 0; i < index->runs_count && !newest.run; i++)
		if (!strcmp(index->runs[i].state, "finished"))
			newest.run = &index->runs[i];
	if (newest.run)
		newest.status = newest.run->gate;
	return newest;
}

static void add_fact(const char *name, size_t count, struct strbuf *out)
{
	strbuf_addf(out, "<div><dt>%s</dt><dd>%zu</dd></div>\n", name, count);
}

static void add_verdict(const struct results_index *index, struct strbuf *out)
{
	static const char *const tones[] = { "pass", "bad", "void", "open", "void" };
	struct newest newest = find_newest(index);
	bool is_known = newest.status >= 0 && newest.status <= GATE_NOT_COMPARABLE;
	const char *run_id = newest.night ? newest.night->run_id :
			     newest.run ? newest.run->id : NULL;
	const char *campaign = newest.night ? newest.night->campaign :
			       newest.run ? newest.run->campaign : NULL;
	char day[INDEX_DAY_MAX] = "";

	strbuf_addf(out, "<section class=\"verdict %s\" aria-labelledby=\"h-verdict\">\n"
		    "<h2 id=\"h-verdict\">", is_known ? tones[newest.status] : "open");
	strbuf_adds(out, newest.night ? "Newest night: " : newest.run ? "Newest run: " : "");
	strbuf_adds(out, !campaign ? "No run yet" : newest.status < 0 ? "not finished" :
			 is_known ? render_gate_meaning((enum gate_exit)newest.status) : "failed");
	if (newest.status >= 0)
		strbuf_addf(out, " <span class=\"exit\">exit %d</span>", newest.status);
	strbuf_adds(out, "</h2>\n");
	if (campaign) {
		strbuf_adds(out, "<p class=\"lead\">");
		index_add_run_link(index, run_id,
				   index_day(newest.night ? newest.night->started_wall_ns :
							    newest.run->started_wall_ns, day), out);
		strbuf_adds(out, ", ");
		html_text_part(out, campaign, NAME_BYTES);
		if (newest.night && newest.night->summary) {
			strbuf_adds(out, ": ");
			html_text_part(out, newest.night->summary, SUMMARY_BYTES);
		}
		strbuf_adds(out, "</p>\n");
	}
	strbuf_adds(out, "<dl class=\"facts\">\n");
	add_fact("nights", index->nights_count, out);
	add_fact("runs", index->runs_count, out);
	add_fact("campaigns shown", index->campaigns_count, out);
	strbuf_adds(out, "</dl>\n</section>\n");
}

static void add_page(const struct results_index *index, struct strbuf *out)
{
	char now[CLOCK_TEXT_MAX];

	report_html_head("Nights and runs (kerngate)", results_index_style(), out);
	strbuf_adds(out, "<body>\n<a class=\"skip\" href=\"#main\">Skip to the newest night</a>\n"
		    "<header>\n<h1>kerngate: nights and runs</h1>\n<nav aria-label=\"Sections\"><ul>\n"
		    "<li><a href=\"#changes\">Newest regressions</a></li>\n"
		    "<li><a href=\"#metrics\">Metrics</a></li>\n"
		    "<li><a href=\"#nights\">Nights and runs</a></li>\n</ul></nav>\n</header>\n"
		    "<main id=\"main\" tabindex=\"-1\">\n");
	add_verdict(index, out);
	index_add_changes(index, out);
	index_add_metrics(index, out);
	index_add_nights(index, out);
	strbuf_addf(out, "</main>\n<footer><p>Made by kerngate at %s from the store of runs. This "
		    "file loads nothing and runs no script.</p></footer>\n</body>\n</html>\n",
		    clock_format_utc(clock_wall_ns(), now));
}

int results_index_write(struct run_store *store, struct error *err)
{
	cleanup_with(results_index_release) struct results_index index = { .store = NULL };
	cleanup_free char *path = path_join(run_store_folder(store), RESULTS_INDEX_FILE);
	cleanup_strbuf struct strbuf page = STRBUF_INIT;
	int rc = results_index_load(store, &index, err);

	if (rc)
		return error_prefix(err, "%s", path);
	add_page(&index, &page);
	rc = file_write_atomic(path, page.data, page.length, 0644);
	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

void results_index_refresh(const char *results_dir)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	struct error err = ERROR_INIT;
	int rc = run_store_open(results_dir, &store, &err);

	if (!rc)
		rc = results_index_write(store, &err);
	if (rc)
		log_warning("the index of runs is not current: %s", err.message);
}
