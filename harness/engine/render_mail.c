/* render_mail.c - the verdict table for a patch mail: short, plain ASCII, no line
 * longer than 75 columns whatever the names are.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "guest_title.h"
#include "memory.h"
#include "render.h"
#include "render_layout.h"
#include "render_parts.h"

#define MAIL_WIDTH 75
#define INDENT 2

/* --- figures as short texts ----------------------------------------------------- */

enum column { NAME, BASELINE, CANDIDATE, CHANGE, INTERVAL, P, COLUMNS };

static const char *const titles[COLUMNS] = {
	"", "base", "new", "change", "interval", "p",
};

struct line {
	char *texts[COLUMNS];    /* owned */
	const char *verdict;
};

static void line_release(struct line *line)
{
	for (size_t i = 0; i < COLUMNS; i++)
		free(line->texts[i]);
}

/* "+10.0" of "+10.0 %": the note below has the rest. What only exact runs can tell keeps
 * three decimals: "+0.512"; "0" is exactly none. */
static void add_percent(const struct stored_run *run, double change, struct strbuf *out)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	double percent = fabs(100 * change);

	if (run->mode == MODE_EXACT && percent >= 0.0005 && percent < 0.9995)
		strbuf_addf(&text, "%+.3f", 100 * change);
	else if (run->mode == MODE_EXACT)
		render_change_fine(change, &text);
	else
		render_change(change, &text);
	strbuf_add(out, text.data, strcspn(text.data, " "));
}

static char *change_text(const struct stored_run *run, double change)
{
	struct strbuf text = STRBUF_INIT;

	add_percent(run, change, &text);
	return strbuf_detach(&text);
}

static char *interval_text(const struct stored_run *run, const struct interval *interval)
{
	struct strbuf text = STRBUF_INIT;

	if (!isfinite(interval->low) || !isfinite(interval->high))
		return string_copy("-");
	add_percent(run, interval->low - 1, &text);
	strbuf_adds(&text, "..");
	add_percent(run, interval->high - 1, &text);
	return strbuf_detach(&text);
}

static char *p_text(double p)
{
	if (isnan(p))
		return string_copy("-");
	return p < 0.0001 ? string_copy("<1e-4") : string_format("%.*f", p < 0.1 ? 4 : 2, p);
}

static char *plain(const char *text)
{
	char *copy = string_copy(text), *to = copy;

	/* one '?' for a character of several bytes */
	for (const char *c = copy; *c; c++)
		if (((unsigned char)*c & 0xc0) != 0x80)
			*to++ = *c >= 0x20 && *c < 0x7f ? *c : '?';
	*to = '\0';
	return copy;
}

/* Both in one unit need it once: "12.50", "13.75 ms". */
static void set_values(struct line *line, const struct metric_comparison *judged)
{
	cleanup_strbuf struct strbuf a = STRBUF_INIT;
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	const char *a_unit, *b_unit;

	render_quantity(judged->a_center, judged->metric->unit, &a);
	render_quantity(judged->b_center, judged->metric->unit, &b);
	a_unit = strchr(a.data, ' ');
	b_unit = strchr(b.data, ' ');
	if (a_unit && b_unit && strcmp(a_unit, b_unit) == 0)
		strbuf_cut(&a, (size_t)(a_unit - a.data));
	line->texts[BASELINE] = plain(a.data);
	line->texts[CANDIDATE] = plain(b.data);
}

static void make_line(const struct stored_run *run, const struct comparison *c,
		      const struct comparison_entry *entry, struct line *ret_line)
{
	const struct metric_comparison *judged = &entry->judged;

	set_values(ret_line, judged);
	ret_line->texts[NAME] = plain(judged->metric->name);
	ret_line->texts[CHANGE] = change_text(run, judged->ratio - 1);
	ret_line->texts[INTERVAL] = interval_text(run, &judged->interval);
	ret_line->texts[P] = p_text(judged->p_adjusted);
	ret_line->verdict = c->control_fired ? "withheld" : verdict_name(judged->verdict);
}

/* --- the table --------------------------------------------------------------------- */

/* Derived metrics repeat others: left out. */
static bool is_shown(const struct comparison_entry *entry)
{
	return !entry->judged.metric->secondary;
}

static bool has_figures(const struct comparison_entry *entry)
{
	return entry->judged.verdict != VERDICT_NOT_COMPARABLE;
}

struct widths {
	size_t texts[COLUMNS];
	size_t others;           /* all but the name and the verdict */
};

/* Columns as wide as their widest text. Names get what is left: in a line with a long
 * verdict less, where that helps. */
static void measure(const struct stored_run *run, const struct comparison *c,
		    struct widths *ret_widths)
{
	cleanup_free struct line *lines = memory_alloc_array(c->count, sizeof(*lines));

	*ret_widths = (struct widths){ .others = INDENT + 1 };
	for (size_t i = 0; i < COLUMNS; i++)
		ret_widths->texts[i] = strlen(titles[i]);
	for (size_t i = 0; i < c->count; i++) {
		if (!is_shown(&c->entries[i]) || !has_figures(&c->entries[i]))
			continue;
		make_line(run, c, &c->entries[i], &lines[i]);
		for (size_t k = BASELINE; k < COLUMNS; k++)
			if (strlen(lines[i].texts[k]) > ret_widths->texts[k])
				ret_widths->texts[k] = strlen(lines[i].texts[k]);
	}
	for (size_t i = BASELINE; i < COLUMNS; i++)
		ret_widths->others += 1 + ret_widths->texts[i];
	for (size_t i = 0; i < c->count; i++) {
		size_t name = lines[i].texts[NAME] ? strlen(lines[i].texts[NAME]) : 0;

		if (name > ret_widths->texts[NAME] &&
		    ret_widths->others + name + strlen(lines[i].verdict) <= MAIL_WIDTH)
			ret_widths->texts[NAME] = name;
		line_release(&lines[i]);
	}
}

static void add_columns(const char *const texts[COLUMNS], const char *verdict,
			const struct widths *widths, struct strbuf *out)
{
	size_t taken = widths->others + strlen(verdict), name_width = widths->texts[NAME];
	size_t left = taken < MAIL_WIDTH ? MAIL_WIDTH - taken : 0;
	cleanup_strbuf struct strbuf line = STRBUF_INIT;
	const char *name = texts[NAME];

	if (name_width > left)
		name_width = left;
	if (strlen(name) > name_width) {
		render_wrapped_to(MAIL_WIDTH, out, "  ", 4, name);
		name = "";
	}
	strbuf_addf(&line, "%*s%-*s", INDENT, "", (int)name_width, name);
	for (size_t i = BASELINE; i < COLUMNS; i++)
		strbuf_addf(&line, " %*s", (int)widths->texts[i], texts[i]);
	strbuf_addf(&line, " %s", verdict);
	/* Units have no bounds either. */
	if (line.length <= MAIL_WIDTH)
		strbuf_addf(out, "%s\n", line.data);
	else
		render_wrapped_to(MAIL_WIDTH, out, "    ", 6, line.data);
}

static void add_entry(const struct stored_run *run, const struct comparison *c,
		      const struct comparison_entry *entry, const struct widths *widths,
		      struct strbuf *out)
{
	const char *texts[COLUMNS];
	cleanup_with(line_release) struct line line = { .verdict = "" };
	cleanup_free char *text = NULL;

	if (has_figures(entry)) {
		make_line(run, c, entry, &line);
		memcpy(texts, line.texts, sizeof(texts));
		add_columns(texts, line.verdict, widths, out);
		return;
	}
	text = string_format("%s: not comparable: %s", entry->judged.metric->name,
			     entry->judged.reason);
	render_wrapped_to(MAIL_WIDTH, out, "  ", 6, text);
}

static void add_row(const struct stored_run *run, const struct comparison *c, uint32_t cell,
		    uint32_t row, uint32_t variant, const struct widths *widths,
		    struct strbuf *out)
{
	const struct stored_row *stored = &run->cells[cell].rows[row];
	bool is_named = strcmp(stored->name, stored->workload) != 0, has_title = false;
	cleanup_free char *title =
		string_format("%s%s%s%s%s", stored->name, is_named ? ": " : "",
			      is_named ? stored->workload : "",
			      stored->arguments && stored->arguments[0] ? " " : "",
			      stored->arguments ? stored->arguments : "");

	for (size_t i = 0; i < c->count; i++) {
		const struct comparison_entry *entry = &c->entries[i];

		if (entry->cell != cell || entry->row != row || entry->variant != variant ||
		    !is_shown(entry))
			continue;
		if (!has_title)
			render_wrapped_to(MAIL_WIDTH, out, " ", 4, title);
		has_title = true;
		add_entry(run, c, entry, widths, out);
	}
}

/* A head only where there are figures below it. */
static bool needs_head(const struct comparison *c, uint32_t cell, uint32_t variant)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->entries[i].cell == cell && c->entries[i].variant == variant &&
		    is_shown(&c->entries[i]) && has_figures(&c->entries[i]))
			return true;
	return false;
}

static void add_table(const struct stored_run *run, const struct comparison *c, uint32_t cell,
		      uint32_t variant, const struct widths *widths, struct strbuf *out)
{
	const struct stored_cell *place = &run->cells[cell];
	cleanup_free char *guest = guest_title(run, place);
	cleanup_free char *title = string_format("guest %s, suite %s: %s", guest,
						 place->suite, run->variants[variant].label);

	strbuf_addc(out, '\n');
	render_wrapped_to(MAIL_WIDTH, out, "", 4, title);
	if (needs_head(c, cell, variant))
		add_columns(titles, "verdict", widths, out);
	for (uint32_t row = 0; row < place->rows_count; row++)
		add_row(run, c, cell, row, variant, widths, out);
}

static void add_tables(const struct stored_run *run, const struct comparison *c,
		       struct strbuf *out)
{
	struct widths widths;

	measure(run, c, &widths);
	for (uint32_t cell = 0; cell < run->cells_count; cell++)
		for (uint32_t i = 0; i < run->variants_count; i++)
			if (i != run->baseline && (int64_t)i != run->control_variant)
				add_table(run, c, cell, i, &widths, out);
}

/* --- head and notes ------------------------------------------------------------------ */

static void add_field(struct strbuf *out, const char *label, const char *format, ...)
	printf_like(3, 4);
static void add_field(struct strbuf *out, const char *label, const char *format, ...)
{
	cleanup_free char *lead = string_format("%-*s", RENDER_LABEL_WIDTH, label);
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	render_wrapped_to(MAIL_WIDTH, out, lead, RENDER_LABEL_WIDTH, text);
}

static void add_variant(const struct stored_run *run, uint32_t index, bool has_patches,
			struct strbuf *out)
{
	const struct stored_variant *variant = &run->variants[index];
	cleanup_free char *release = render_fingerprint(run, index, "variant.kernel_release");

	cleanup_strbuf struct strbuf series = STRBUF_INIT;

	if (!has_patches)
		render_series(variant, &series);
	add_field(out, index == run->baseline ? "base" : "new", "%s: Linux %s%s%s%s",
		  variant->label, release && release[0] ? release : "unknown",
		  series.data,
		  variant->cmdline && variant->cmdline[0] ? ", with " : "",
		  variant->cmdline ? variant->cmdline : "");
}

static void add_host(const struct stored_run *run, struct strbuf *out)
{
	cleanup_free char *model = render_fingerprint(run, -1, "host.cpu_model");
	cleanup_free char *kernel = render_fingerprint(run, -1, "host.kernel_release");
	cleanup_free char *hypervisor = render_fingerprint(run, -1, "hypervisor");
	const char *accelerator = run->accelerator ? run->accelerator : "unknown";
	bool is_exact = run->mode == MODE_EXACT;

	add_field(out, "host", "%s, Linux %s, %s; guests on %s%s", model ? model : "unknown",
		  kernel ? kernel : "unknown", hypervisor ? hypervisor : "hypervisor unknown",
		  accelerator, is_exact ? " by instruction count: work done, not time" :
		  strcmp(accelerator, "tcg") == 0 ? ", an emulated processor: times are not "
						    "those of hardware" : "");
}

/* What went wrong, where something did. */
static void add_troubles(const struct stored_run *run, const struct comparison *c,
			 struct strbuf *out)
{
	for (uint32_t variant = 0; variant < run->variants_count; variant++) {
		struct comparison_boots sum = render_sum_boots(c, variant);
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		render_boots(run, &sum, &text);
		if (sum.passed != sum.planned)
			add_field(out, "boots", "%s", text.data);
	}
	for (size_t i = 0; i < c->findings_count; i++)
		add_field(out, "found", "%s: %s: %s (%u boot%s)",
			  run->variants[c->findings[i].variant].label,
			  finding_kind_name(c->findings[i].kind), c->findings[i].title,
			  c->findings[i].boots, c->findings[i].boots == 1 ? "" : "s");
	if (c->differences.count > 0)
		add_field(out, "NOTE", "boots were measured under different conditions: %s%s",
			  c->differences.items[0], c->differences.count > 1 ? ", and more" : "");
}

static void add_more(const struct render_mail_more *more, struct strbuf *out)
{
	for (size_t i = 0; i < more->lines.count; i++) {
		cleanup_free char *line = string_copy(more->lines.items[i]);
		char *text = line, *label = strsep(&text, "\t");
		cleanup_free char *ascii = plain(text ? text : "");

		add_field(out, label, "%s", ascii);
	}
}

static void add_head(const struct stored_run *run, const struct comparison *c,
		     const struct render_mail_more *more, struct strbuf *out)
{
	cleanup_strbuf struct strbuf verdict = STRBUF_INIT;
	char day[CLOCK_TEXT_MAX];

	clock_format_utc(run->started_wall_ns, day);
	day[strcspn(day, "T")] = '\0';
	render_verdict(run, c, &verdict);
	add_field(out, "kerngate", "%s, %s: %s", run->campaign, day, verdict.data);
	add_variant(run, (uint32_t)run->baseline, false, out);
	for (uint32_t i = 0; i < run->variants_count; i++)
		if (i != run->baseline && (int64_t)i != run->control_variant)
			add_variant(run, i, more->has_patches, out);
	add_more(more, out);
	add_host(run, out);
	add_troubles(run, c, out);
}

static const char *control_text(const struct stored_run *run, const struct comparison *c)
{
	if (run->mode == MODE_EXACT && !render_exact_is_checked(run, c))
		return "no canary could be compared";
	if (run->mode == MODE_EXACT)
		return c->canary_failed ? "a canary FAILED" : "the canary gave the same bytes";
	if (!run->control)
		return "no A/A control";
	if (c->control_fired)
		return "the A/A control FIRED: the baseline differs from itself";
	return c->control_can_fire ? "A/A control passed" :
				     "too few blocks for the A/A control to say anything";
}

/* "12" or "9 to 12": boots with figures over all metrics. */
static char *boots_range(const struct comparison *c, bool is_baseline)
{
	size_t low = SIZE_MAX, high = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct metric_comparison *judged = &c->entries[i].judged;
		size_t count = is_baseline ? judged->a_count : judged->b_count;

		low = count < low ? count : low;
		high = count > high ? count : high;
	}
	if (low >= high)
		return string_format("%zu", high);
	return string_format("%zu to %zu", low, high);
}

static size_t count_blocks(const struct stored_run *run)
{
	uint32_t blocks = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks)
			blocks = run->trials[i].block + 1;
	return blocks;
}

static void add_notes(const struct stored_run *run, const struct comparison *c,
		      const char *again, struct strbuf *out)
{
	bool is_exact = run->mode == MODE_EXACT;
	cleanup_strbuf struct strbuf campaign = STRBUF_INIT;
	cleanup_free char *a = boots_range(c, true), *b = boots_range(c, false);

	strbuf_addc(out, '\n');
	if (c->count > 0) {
		add_field(out, "n", "%s boots of base, %s of new for each metric, in %s", a, b,
			  is_exact ? "pairs of one seed" : "balanced random blocks");
		add_field(out, "method", "change and %g %% interval in %% of base; p: %s, "
			  "corrected by %s; equivalent: the interval lies within %g %%; %s",
			  100 * c->policy.confidence,
			  is_exact ? "paired t test" : "permutation within blocks",
			  correction_name(c->policy.correction), c->policy.margin_percent,
			  control_text(run, c));
	}
	if (again) {
		add_field(out, "again", "%s", again);
		return;
	}
	render_campaign_word(run, &campaign);
	add_field(out, "again", "kerngate run %s%s --seed %" PRIu64 " %s %zu", campaign.data,
		  is_exact ? " --mode exact" : "", run->seed,
		  is_exact ? "--seeds" : "--blocks", count_blocks(run));
}

void render_mail_more_release(struct render_mail_more *more)
{
	strvec_release(&more->lines);
	free(more->again);
	*more = (struct render_mail_more){ .again = NULL };
}

void render_comparison_mail_with(const struct stored_run *run, const struct comparison *c,
				 const struct render_mail_more *more, struct strbuf *out)
{
	add_head(run, c, more, out);
	add_tables(run, c, out);
	add_notes(run, c, more->again, out);
}

void render_comparison_mail(const struct stored_run *run, const struct comparison *c,
			    struct strbuf *out)
{
	const struct render_mail_more none = { .again = NULL };

	render_comparison_mail_with(run, c, &none, out);
}
