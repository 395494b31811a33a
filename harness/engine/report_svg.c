/* report_svg.c - reads what gnuplot 5.4's terminal "svg" writes (term/svg.trm): lines
 * as <path>, points as <use> of its shapes, areas as <polygon>, words as <text> in a
 * <g> that places them. Writes paths in tenths of a unit, relative, each run of equal
 * looks as one.
 */
#include "report_svg.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "html_text.h"
#include "memory.h"

#define COORDINATE_MAX 1e6
#define TITLE_BYTES 300
#define DESCRIPTION_BYTES 6000

/* --- tags ------------------------------------------------------------------------------ */

struct tag {
	const char *name;      /* borrowed, as all of it */
	size_t name_length;
	const char *attributes;
	size_t length;         /* of the attributes */
};

/* The next tag that is no end, comment or declaration; NULL at the end. Returns where to
 * go on. */
static const char *next_tag(const char *at, struct tag *tag)
{
	for (at = strchr(at, '<'); at; at = strchr(at + 1, '<')) {
		const char *end = at + 1;
		char quote = '\0';

		if (strchr("/?!", at[1]))
			continue;
		tag->name = end;
		tag->name_length = strcspn(end, " \t\n\r/>");
		end += tag->name_length;
		tag->attributes = end;
		for (; *end && (quote || *end != '>'); end++) {
			if (quote)
				quote = *end == quote ? '\0' : quote;
			else if (*end == '\'' || *end == '"')
				quote = *end;
		}
		tag->length = (size_t)(end - tag->attributes);
		return end;
	}
	return NULL;
}

static bool is_tag(const struct tag *tag, const char *name)
{
	return strlen(name) == tag->name_length && !strncmp(tag->name, name, tag->name_length);
}

/* Value of an attribute, with blanks around its "=" or not; owned, NULL if it has none. */
static char *attribute(const struct tag *tag, const char *name)
{
	cleanup_free char *text = string_copy_n(tag->attributes, tag->length);
	size_t length = strlen(name);

	for (char *at = text; (at = strstr(at, name)); at += length) {
		const char *value = at + length;
		char quote;

		value += strspn(value, " \n\t");
		if (at == text || !strchr(" \n\t", at[-1]) || *value != '=')
			continue;
		value++;
		value += strspn(value, " \n\t");
		quote = *value;
		if (quote != '\'' && quote != '"')
			continue;
		return string_copy_n(value + 1, (size_t)(strchrnul(value + 1, quote) - value - 1));
	}
	return NULL;
}

static double number_attribute(const struct tag *tag, const char *name, double otherwise)
{
	cleanup_free char *text = attribute(tag, name);

	return text ? strtod(text, NULL) : otherwise;
}

/* Colours of roles have no red and no green; all others are ink. */
static unsigned int role_attribute(const struct tag *tag, const char *name)
{
	cleanup_free char *text = attribute(tag, name);
	unsigned int red, green, blue;

	if (!text || (sscanf(text, "rgb(%u,%u,%u)", &red, &green, &blue) != 3 &&
		      sscanf(text, "#%2x%2x%2x", &red, &green, &blue) != 3))
		return ROLE_INK;
	return red || green ? ROLE_INK : blue;
}

/* --- what is written ------------------------------------------------------------------- */

struct look {
	unsigned int role;
	char kind;             /* 'l' line, 'f' area, 'd' dots, 'q' squares, 'o' outlines */
	long width;            /* of the stroke, in tenths */
	char dashes[24];
};

struct drawing {
	struct strbuf *out;    /* borrowed */
	struct look look;
	struct strbuf data;    /* of the path that is being made */
	long x, y;             /* where it is, in tenths */
};

static void add_role(unsigned int role, struct strbuf *out)
{
	if (role >= ROLE_VERDICT)
		strbuf_addf(out, "v%u", role - ROLE_VERDICT);
	else if (role >= ROLE_FAINT)
		strbuf_addf(out, "t%u", role - ROLE_FAINT);
	else if (role >= ROLE_SERIES)
		strbuf_addf(out, "s%u", role - ROLE_SERIES);
	else
		strbuf_addc(out, "igmu"[role <= ROLE_LINE ? role : ROLE_INK]);
}

/* In tenths: 12 is "1.2", -5 is "-.5"; a blank in front where digits would run together. */
static void add_tenths(struct strbuf *out, long tenths)
{
	bool follows = out->length && strchr("0123456789.", out->data[out->length - 1]);
	long whole = labs(tenths) / 10, rest = labs(tenths) % 10;

	if (follows && tenths >= 0)
		strbuf_addc(out, ' ');
	if (tenths < 0)
		strbuf_addc(out, '-');
	if (whole || !rest)
		strbuf_addf(out, "%ld", whole);
	if (rest)
		strbuf_addf(out, ".%ld", rest);
}

static void add_pair(struct strbuf *out, char command, long x, long y)
{
	strbuf_addc(out, command);
	add_tenths(out, x);
	add_tenths(out, y);
}

static void flush(struct drawing *drawing)
{
	const struct look *look = &drawing->look;

	if (!drawing->data.length)
		return;
	strbuf_adds(drawing->out, "<path class=\"");
	add_role(look->role, drawing->out);
	strbuf_addf(drawing->out, " %c\"", look->kind);
	if (look->kind != 'f' && look->width != 10) {
		strbuf_adds(drawing->out, " stroke-width=\"");
		add_tenths(drawing->out, look->width);
		strbuf_addc(drawing->out, '"');
	}
	if (look->dashes[0])
		strbuf_addf(drawing->out, " stroke-dasharray=\"%s\"", look->dashes);
	strbuf_addf(drawing->out, " d=\"%s\"/>\n", drawing->data.data);
	strbuf_reset(&drawing->data);
}

static void set_look(struct drawing *drawing, const struct look *look)
{
	if (drawing->data.length && memcmp(&drawing->look, look, sizeof(*look)) != 0)
		flush(drawing);
	drawing->look = *look;
}

static struct look make_look(unsigned int role, char kind, double width)
{
	struct look look;

	/* Looks are compared as bytes. */
	memset(&look, 0, sizeof(look));
	look.role = role;
	look.kind = kind;
	look.width = fabs(width) < 100 ? lround(10 * width) : 10;
	return look;
}

static void move_to(struct drawing *drawing, long x, long y)
{
	if (drawing->data.length)
		add_pair(&drawing->data, 'm', x - drawing->x, y - drawing->y);
	else
		add_pair(&drawing->data, 'M', x, y);
	drawing->x = x;
	drawing->y = y;
}

static void line_to(struct drawing *drawing, long x, long y)
{
	long right = x - drawing->x, down = y - drawing->y;

	if (!right && !down)
		return;
	if (!down) {
		strbuf_addc(&drawing->data, 'h');
		add_tenths(&drawing->data, right);
	} else if (!right) {
		strbuf_addc(&drawing->data, 'v');
		add_tenths(&drawing->data, down);
	} else {
		add_pair(&drawing->data, 'l', right, down);
	}
	drawing->x = x;
	drawing->y = y;
}

/* --- lines and areas ------------------------------------------------------------------- */

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " ,\t\n\r");
}

/* "1.5,2" in tenths; false where there is no pair. */
static bool read_pair(const char **text, long *ret_x, long *ret_y)
{
	char *end;
	double x = strtod(*text, &end), y;
	const char *second = skip_blanks(end);

	if (end == *text)
		return false;
	y = strtod(second, &end);
	if (end == second || !(fabs(x) < COORDINATE_MAX) || !(fabs(y) < COORDINATE_MAX))
		return false;
	*ret_x = lround(10 * x);
	*ret_y = lround(10 * y);
	*text = end;
	return true;
}

/* Only M and L stand in gnuplot's paths, and z in those of areas. */
static void add_points(struct drawing *drawing, const char *text, bool is_closed)
{
	char command = 'M';
	long x, y;

	for (text = skip_blanks(text); *text; text = skip_blanks(text)) {
		if (*text == 'M' || *text == 'L')
			command = *text++;
		else if (!read_pair(&text, &x, &y))
			break;
		else if (command == 'M')
			move_to(drawing, x, y), command = 'L';
		else
			line_to(drawing, x, y);
	}
	if (is_closed && drawing->data.length)
		flush(drawing);
}

static void add_path(struct drawing *drawing, const struct tag *tag, double width)
{
	cleanup_free char *data = attribute(tag, "d"), *dashes = attribute(tag, "stroke-dasharray");
	struct look look = make_look(role_attribute(tag, "stroke"), 'l', width);

	if (!data)
		return;
	if (dashes && strspn(dashes, "0123456789., ") == strlen(dashes))
		snprintf(look.dashes, sizeof(look.dashes), "%s", dashes);
	set_look(drawing, &look);
	add_points(drawing, data, false);
}

static void add_area(struct drawing *drawing, const struct tag *tag)
{
	cleanup_free char *points = attribute(tag, "points");
	struct look look = make_look(role_attribute(tag, "fill"), 'f', 0);

	if (!points)
		return;
	flush(drawing);
	set_look(drawing, &look);
	add_points(drawing, points, true);
}

/* --- points ---------------------------------------------------------------------------- */

/* An outline about a place: pairs in hundredths of the point's size, relative. */
static void add_outline(struct drawing *drawing, const signed short *pairs, size_t count,
			double size)
{
	struct strbuf *data = &drawing->data;

	for (size_t i = 0; i < count; i++) {
		long x = lround(size * pairs[2 * i] / 10.0);
		long y = lround(size * pairs[2 * i + 1] / 10.0);

		if (i == 0)
			move_to(drawing, drawing->x + x, drawing->y + y);
		else
			add_pair(data, 'l', x, y);
	}
	strbuf_addc(data, 'z');
}

static void add_circle(struct drawing *drawing, double size)
{
	struct strbuf *data = &drawing->data;
	long radius = lround(10 * size);

	move_to(drawing, drawing->x - radius, drawing->y);
	for (int half = 0; half < 2; half++) {
		strbuf_addc(data, 'a');
		add_tenths(data, radius);
		add_tenths(data, radius);
		strbuf_adds(data, " 0 1 0");
		add_tenths(data, half ? -2 * radius : 2 * radius);
		add_tenths(data, 0);
	}
}

static void add_shape(struct drawing *drawing, int shape, double size)
{
	static const signed short square[] = { -100, -100, 200, 0, 0, 200, -200, 0 };
	static const signed short triangle[] = { 0, -133, 133, 200, -266, 0 };
	static const signed short upside[] = { 0, 133, 133, -200, -266, 0 };
	static const signed short diamond[] = { 0, -141, 141, 141, -141, 141, -141, -141 };
	static const signed short cross[] = { -100, -100, 200, 200, -100, -100, -100, 100, 200,
					      -200, -100, 100 };

	if (shape == 5)
		add_circle(drawing, size);
	else if (shape == 3)
		add_outline(drawing, square, 4, size);
	else if (shape == 7 || shape == 8)
		add_outline(drawing, triangle, 3, size);
	else if (shape == 9 || shape == 10)
		add_outline(drawing, upside, 3, size);
	else if (shape == 11 || shape == 12)
		add_outline(drawing, diamond, 4, size);
	else
		add_outline(drawing, cross, 6, size);
}

/* Full circles and squares are lines without length, drawn by their round or square
 * ends: a few bytes a point. */
static void add_point(struct drawing *drawing, const struct tag *tag)
{
	cleanup_free char *name = attribute(tag, "xlink:href");
	cleanup_free char *place = attribute(tag, "transform");
	double x, y, size;
	struct look look;
	int shape;

	if (!name || !place || sscanf(name, "#gpPt%d", &shape) != 1 ||
	    sscanf(place, "translate(%lf,%lf) scale(%lf)", &x, &y, &size) != 3 ||
	    !(fabs(x) < COORDINATE_MAX) || !(fabs(y) < COORDINATE_MAX) || !(fabs(size) < 100))
		return;
	look = make_look(role_attribute(tag, "color"), 'o', 1.4);
	if (shape == 6 || shape == 4)
		look = make_look(look.role, shape == 6 ? 'd' : 'q', 2 * size);
	else if (shape == 8 || shape == 10 || shape == 12)
		look = make_look(look.role, 'f', 0);
	if (look.kind == 'o' || look.kind == 'f')
		flush(drawing);
	set_look(drawing, &look);
	if (look.kind == 'd' || look.kind == 'q') {
		move_to(drawing, lround(10 * x), lround(10 * y));
		strbuf_adds(&drawing->data, "h0");
		return;
	}
	drawing->x = lround(10 * x);
	drawing->y = lround(10 * y);
	add_shape(drawing, shape, size);
	flush(drawing);
}

/* --- words ----------------------------------------------------------------------------- */

static char decode_entity(const char **text)
{
	static const struct {
		const char *entity;
		char character;
	} entities[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' },
			 { "&quot;", '"' }, { "&apos;", '\'' } };

	for (size_t i = 0; i < ARRAY_COUNT(entities); i++) {
		size_t length = strlen(entities[i].entity);

		if (!strncmp(*text, entities[i].entity, length)) {
			*text += length;
			return entities[i].character;
		}
	}
	return *(*text)++;
}

/* The text up to </text>, without the tags in it; owned. */
static char *read_words(const char *text)
{
	cleanup_strbuf struct strbuf words = STRBUF_INIT;

	while (*text && strncmp(text, "</text>", 7) != 0) {
		if (*text == '<')
			text = strchrnul(text, '>') + (*strchrnul(text, '>') != '\0');
		else
			strbuf_addc(&words, decode_entity(&text));
	}
	return strbuf_detach(&words);
}

/* Where a <g> puts the words in it. */
struct placed {
	double x, y, size;
	int turned;            /* degrees */
	unsigned int role;
	char anchor;           /* 's' start, 'm' middle, 'e' end */
};

static bool read_placed(const struct tag *tag, struct placed *placed)
{
	cleanup_free char *place = attribute(tag, "transform"), *anchor = attribute(tag, "text-anchor");
	double x, y;
	int turned = 0;

	if (!place || sscanf(place, "translate(%lf,%lf) rotate(%d", &x, &y, &turned) < 2 ||
	    !(fabs(x) < COORDINATE_MAX) || !(fabs(y) < COORDINATE_MAX))
		return false;
	*placed = (struct placed){ x, y, number_attribute(tag, "font-size", 12), turned,
				   role_attribute(tag, "fill"), anchor ? anchor[0] : 's' };
	return true;
}

static void add_words(struct drawing *drawing, const struct placed *placed, const char *from)
{
	cleanup_free char *words = read_words(from);
	const char *start = words + strspn(words, " ");
	struct strbuf *out = drawing->out;

	if (!*start)
		return;
	flush(drawing);
	strbuf_adds(out, "<text class=\"");
	add_role(placed->role, out);
	strbuf_adds(out, "\"");
	if (placed->turned)
		strbuf_addf(out, " transform=\"translate(%.1f %.1f) rotate(%d)\"", placed->x,
			    placed->y, placed->turned);
	else
		strbuf_addf(out, " x=\"%.1f\" y=\"%.1f\"", placed->x, placed->y);
	if (placed->anchor != 's')
		strbuf_addf(out, " text-anchor=\"%s\"", placed->anchor == 'm' ? "middle" : "end");
	if (placed->size != 12)
		strbuf_addf(out, " font-size=\"%g\"", placed->size);
	strbuf_addc(out, '>');
	html_text(out, start);
	strbuf_adds(out, "</text>\n");
}

/* --- all ------------------------------------------------------------------------------- */

static void add_drawing(const char *svg, struct strbuf *out)
{
	struct drawing drawing = { .out = out, .data = STRBUF_INIT };
	struct placed placed = { .size = 12 };
	double width = 1;
	struct tag tag;

	while ((svg = next_tag(svg, &tag))) {
		if (is_tag(&tag, "defs"))
			svg = strstr(svg, "</defs>") ? strstr(svg, "</defs>") : svg;
		else if (is_tag(&tag, "g") && !read_placed(&tag, &placed))
			width = number_attribute(&tag, "stroke-width", width);
		else if (is_tag(&tag, "path"))
			add_path(&drawing, &tag, width);
		else if (is_tag(&tag, "polygon"))
			add_area(&drawing, &tag);
		else if (is_tag(&tag, "use"))
			add_point(&drawing, &tag);
		else if (is_tag(&tag, "text"))
			add_words(&drawing, &placed, svg + (*svg == '>'));
	}
	flush(&drawing);
	strbuf_release(&drawing.data);
}

int report_svg_add(const char *svg, const char *title, const char *description,
		   unsigned int number, const char *class_name, struct strbuf *out,
		   struct error *err)
{
	const char *start = strstr(svg, "<svg"), *canvas = strstr(svg, "id=\"gnuplot_canvas\"");
	double width, height;
	struct tag tag = { .name = NULL };

	if (start)
		(void)next_tag(start, &tag);
	if (start && canvas) {
		cleanup_free char *box = attribute(&tag, "viewBox");

		if (box && sscanf(box, "0 0 %lf %lf", &width, &height) == 2) {
			strbuf_addf(out, "<svg role=\"img\" class=\"%s\" viewBox=\"0 0 %g %g\" "
				    "font-size=\"12\" aria-labelledby=\"f%ut\" "
				    "aria-describedby=\"f%ud\">\n<title id=\"f%ut\">", class_name,
				    width, height, number, number, number);
			html_text_part(out, title, TITLE_BYTES);
			strbuf_addf(out, "</title>\n<desc id=\"f%ud\">", number);
			html_text_part(out, description, DESCRIPTION_BYTES);
			strbuf_adds(out, "</desc>\n");
			add_drawing(canvas, out);
			strbuf_adds(out, "</svg>\n");
			return 0;
		}
	}
	return error_set(err, -EBADMSG, "gnuplot's SVG has no size or canvas where they were "
			 "expected");
}
