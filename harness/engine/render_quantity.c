/* render_quantity.c - a value and its unit, as people read them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render.h"

#define DIGITS 4

/* Units of one dimension, ascending, each `step` times the one before. */
struct ladder {
	const char *units[6];
	double step;
};

static const struct ladder ladders[] = {
	{ { "ns", "us", "ms", "s" }, 1000 },
	{ { "B", "KiB", "MiB", "GiB", "TiB" }, 1024 },
	{ { "B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s" }, 1024 },
};

/* Prefixes for everything else. */
static const char *const prefixes[] = { "", "k", "M", "G", "T", "P" };

/* Decimals that give four significant digits. */
static int decimals_for(double magnitude)
{
	int before = 1;

	while (before < DIGITS && magnitude >= pow(10, before))
		before++;
	return DIGITS - before;
}

/* Rounded to what will be shown, so that 999.97 counts as 1000. */
static double rounded(double magnitude)
{
	double scale = pow(10, decimals_for(magnitude));

	return round(magnitude * scale) / scale;
}

static void add_number(struct strbuf *out, double value, bool is_native)
{
	double magnitude = fabs(value);
	char text[64];

	if (is_native && magnitude < 1000 && value == trunc(value))
		snprintf(text, sizeof(text), "%.0f", value);
	else if (magnitude != 0 && magnitude < 0.001)
		snprintf(text, sizeof(text), "%.*e", DIGITS - 1, value);
	else if (rounded(magnitude) < 1)
		snprintf(text, sizeof(text), "%.*g", DIGITS, value);
	else
		snprintf(text, sizeof(text), "%.*f", decimals_for(rounded(magnitude)), value);
	strbuf_adds(out, text);
}

static const struct ladder *find_ladder(const char *unit, size_t *ret_rung)
{
	for (size_t i = 0; i < sizeof(ladders) / sizeof(ladders[0]); i++) {
		for (size_t rung = 0; ladders[i].units[rung]; rung++) {
			if (strcmp(unit, ladders[i].units[rung]) == 0) {
				*ret_rung = rung;
				return &ladders[i];
			}
		}
	}
	return NULL;
}

static void add_on_ladder(struct strbuf *out, double value,
			  const struct ladder *ladder, size_t native)
{
	size_t rung = native;

	while (ladder->units[rung + 1] && rounded(fabs(value)) >= ladder->step) {
		value /= ladder->step;
		rung++;
	}
	while (rung > 0 && rung <= native && value != 0 && rounded(fabs(value)) < 1) {
		value *= ladder->step;
		rung--;
	}
	add_number(out, value, rung == native);
	strbuf_addf(out, " %s", ladder->units[rung]);
}

static void add_with_prefix(struct strbuf *out, double value, const char *unit)
{
	size_t prefix = 0;

	while (prefix + 1 < sizeof(prefixes) / sizeof(prefixes[0]) &&
	       rounded(fabs(value)) >= (prefix ? 1000 : 10000)) {
		value /= 1000;
		prefix++;
	}
	add_number(out, value, prefix == 0);
	if (strncmp(unit, "1/", 2) == 0)
		strbuf_addf(out, " %s%s", prefixes[prefix], unit + 1);
	else if (prefix || unit[0])
		strbuf_addf(out, " %s%s", prefixes[prefix], unit);
}

void render_quantity(double value, const char *unit, struct strbuf *out)
{
	size_t rung = 0;
	const struct ladder *ladder = find_ladder(unit, &rung);

	if (isnan(value))
		strbuf_adds(out, "-");
	else if (isinf(value))
		strbuf_adds(out, value > 0 ? "inf" : "-inf");
	else if (ladder)
		add_on_ladder(out, value, ladder, rung);
	else
		add_with_prefix(out, value, unit);
}

static double scale_on_ladder(double magnitude, const struct ladder *ladder, size_t rung,
			      struct strbuf *ret_unit)
{
	double scale = 1;

	for (; ladder->units[rung + 1] && rounded(magnitude / scale) >= ladder->step; rung++)
		scale *= ladder->step;
	for (; rung > 0 && magnitude > 0 && rounded(magnitude / scale) < 1; rung--)
		scale /= ladder->step;
	strbuf_adds(ret_unit, ladder->units[rung]);
	return scale;
}

double render_scale(double value, const char *unit, struct strbuf *ret_unit)
{
	size_t rung = 0, prefix = 0;
	const struct ladder *ladder = find_ladder(unit, &rung);
	double magnitude = isfinite(value) ? fabs(value) : 0, scale = 1;

	if (ladder)
		return scale_on_ladder(magnitude, ladder, rung, ret_unit);
	for (; prefix + 1 < sizeof(prefixes) / sizeof(prefixes[0]) &&
	       rounded(magnitude / scale) >= 1000; prefix++)
		scale *= 1000;
	strbuf_addf(ret_unit, "%s%s", prefixes[prefix],
		    strncmp(unit, "1/", 2) == 0 ? unit + 1 : unit);
	return scale;
}
