/* results_index_style.c - what the report's style sheet lacks for the index; its colours
 * are that sheet's.
 */
#include "results_index_parts.h"

static const char style[] =
	".strip{display:block;max-width:100%;height:auto}\n"
	".strips{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.3rem .7rem}\n"
	".strip path.o{stroke-width:1.2}\n"
	".mark{width:.55rem;height:1.35rem;vertical-align:-.35rem;margin-right:.3rem}\n"
	".campaign{margin:1.4rem 0 2rem}\n"
	".campaign>small{color:var(--soft)}\n"
	"table.index th:first-child{max-width:20rem}\n"
	"table.index td{vertical-align:middle}table.index td:nth-child(2){padding-right:1.6rem}\n"
	"table.index td small .v{font-size:.95em}\n"
	"table.nights{width:100%}\n"
	"table.nights td.text{width:60%}\n"
	".changes{list-style:none;padding:0;margin:.4rem 0}\n"
	".changes li{padding:.55rem 0;border-bottom:1px solid var(--rule)}\n"
	".changes small{color:var(--soft)}\n"
	"section>details,.campaign>details{border-top:1px solid var(--rule)}\n"
	"details[open]{padding-bottom:.4rem}\n"
	"@media (max-width:52rem){"
	"table.index th:first-child{max-width:none}table.nights td.text{width:auto}}\n";

const char *results_index_style(void)
{
	return style;
}
