/* doctor: what is checked of an object store, each with what to do about it. */
#define _GNU_SOURCE
#include "backends/s3/s3.h"
#include "backends/net/doctor.h"
#include "base/fmt.h"
#include <jansson.h>
#include <stdlib.h>

static bool check_credentials(struct s3 *s, json_t *all)
{
	struct buf b = { 0 };
	int64_t ends;
	if (s->anonymous) {
		doctor_check(all, "credentials", 1, "", "none: the source is anonymous");
		return true;
	}
	aws_chain_forget(s->chain);
	if (!aws_chain_get(s->chain)) {
		aws_chain_explain(s->chain, &b);
		for (char *c = b.data; c && *c; c++)
			*c = *c == '\n' ? ';' : *c;
		doctor_check(all, "credentials", 0, aws_chain_remedy(s->chain), "%s (%s)", aws_chain_why(s->chain), b.data ? b.data : "");
		buf_release(&b);
		return false;
	}
	ends = aws_chain_expires(s->chain);
	if (ends) {
		buf_adds(&b, ", for ");
		fmt_duration(ends - clock_wall(link_clock(s->link)), &b);
	}
	doctor_check(all, "credentials", 1, "", "%s%s", aws_chain_from(s->chain), b.data ? b.data : "");
	buf_release(&b);
	return true;
}

static void check_clock(struct s3 *s, json_t *all)
{
	struct buf b = { 0 };
	int64_t off = s->skew_ms < 0 ? -s->skew_ms : s->skew_ms;
	say_skew(s->skew_ms, &b);
	if (off < 30000)
		doctor_check(all, "clock", 1, "", "agrees with the server's");
	else
		doctor_check(all, "clock", off < 15 * 60000 ? -1 : 0, "set this machine's clock (timedatectl set-ntp true)",
		      "this machine's clock is %s; S3 refuses more than 15 minutes%s", b.data,
		      s->offset_ms ? ", so requests are signed by the server's clock" : "");
	buf_release(&b);
}

static void check_bucket(struct s3 *s, uint64_t id, json_t *all, struct str name)
{
	struct s3_list l = { .bucket = name };
	char *text = str_dup(name);
	if (s3_list_page(s, id, false, true, STR(""), STR(""), 1, &l))
		doctor_check(all, "bucket", 1, "", "%s can be listed, region %s", text, s3_region(s, name));
	else
		doctor_check(all, "bucket", 0, s->fault.remedy, "%s", s->fault.why);
	s3_list_release(&l);
	free(text);
}

void s3_doctor(struct s3 *s, uint64_t id, const struct yaml *buckets)
{
	json_t *all = json_array();
	struct buf rows = { 0 };
	unsigned n = 0;
	bool go = check_credentials(s, all);
	bool listed = go && s3_list_buckets(s, id, &rows, &n);
	/* who may not list the buckets was let in all the same */
	bool in = listed || !strcmp(s->fault.code, "AccessDenied");
	if (go) {
		doctor_check(all, "reachable", listed || s->fault.status > 0, s->fault.remedy, "%s%s%s", s3_where(s), listed ? " answers" : ": ",
		      listed ? "" : s->fault.why);
		if (listed || s->fault.status > 0) {
			doctor_check(all, "authenticated", in, s->fault.remedy, "%s", listed ? "the signature is taken" : s->fault.why);
			check_clock(s, all);
		}
		if (listed)
			doctor_check(all, "buckets", 1, "", "%u to be seen, region %s", n, s->region);
		else if (in)
			doctor_check(all, "buckets", buckets ? 1 : -1, "name the buckets in binnacle.yaml", "they may not be listed");
		for (unsigned i = 0; in && buckets && i < buckets->n; i++)
			check_bucket(s, id, all, buckets->items[i]->text);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	link_answer(s->link, id, true, str_of(text ? text : "[]"));
	free(text);
	json_decref(all);
	buf_release(&rows);
}
