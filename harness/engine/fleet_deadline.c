/* fleet_deadline.c - the arithmetic of a guest's deadlines. It ends nothing. */
#include "fleet_deadline.h"

#include "clock.h"

static void consider(uint64_t since_ns, uint64_t span_ns,
		     enum deadline_kind kind, uint64_t *nearest_ns,
		     enum deadline_kind *nearest_kind)
{
	if (since_ns == 0 || since_ns + span_ns >= *nearest_ns)
		return;
	*nearest_ns = since_ns + span_ns;
	*nearest_kind = kind;
}

uint32_t guest_clock_silence_s(const struct guest_clock *clock,
			       const struct guest_spec *guest)
{
	return clock->quiet_s > guest->silence_s ? clock->quiet_s :
						   guest->silence_s;
}

uint64_t guest_clock_deadline(const struct guest_clock *clock,
			      const struct guest_spec *guest,
			      enum deadline_kind *ret_kind)
{
	enum deadline_kind kind = DEADLINE_TOTAL;
	uint64_t silence_s = guest_clock_silence_s(clock, guest);
	uint64_t patience = clock->patience;
	uint64_t nearest_ns =
		clock->start_ns + patience * guest->total_s * NS_PER_SECOND;

	if (clock->exited_ns) {
		*ret_kind = DEADLINE_STOP;
		return clock->exited_ns + FLEET_STOP_GRACE_NS;
	}
	if (patience == 0) {
		*ret_kind = kind;
		return UINT64_MAX;
	}
	if (clock->first_byte_ns == 0)
		consider(clock->start_ns, patience * guest->first_byte_s * NS_PER_SECOND,
			 DEADLINE_FIRST_BYTE, &nearest_ns, &kind);
	else
		consider(clock->last_byte_ns, patience * silence_s * NS_PER_SECOND,
			 DEADLINE_SILENCE, &nearest_ns, &kind);
	consider(clock->end_line_ns, patience * FLEET_POWER_OFF_GRACE_NS,
		 DEADLINE_POWER_OFF, &nearest_ns, &kind);
	consider(clock->panic_ns, patience * FLEET_PANIC_GRACE_NS, DEADLINE_PANIC,
		 &nearest_ns, &kind);
	*ret_kind = kind;
	return nearest_ns;
}
