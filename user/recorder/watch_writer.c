/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/watch_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "recorder/hook.h"
#include "recorder/outdir.h"
#include "recorder/render.h"

#define RESULTS_MAX 16

struct watch_writer {
	struct watch_writer_config cfg;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct watch_job jobs[WATCH_QUEUE_MAX * WATCH_RECORDINGS_MAX];
	size_t job_cnt;
	struct watch_result results[RESULTS_MAX];
	size_t result_cnt;
	bool working, ending;
	atomic_bool hurry; /* no command is waited for any more */
};

/* The same way as record: a raw stream, and the files from that. */
static int write_capture(struct watch_writer *w, struct watch_job *job)
{
	const struct render_options opt = {
		.dir = job->dir, .trace_format = w->cfg.trace_format, .keep_raw = w->cfg.keep_raw};
	struct render_result out = {0};
	int fd = -1, err = outdir__spool(job->dir, &fd);

	if (err)
		return err;
	err = recording__write_cut(job->rec, job->cut, &job->reason, fd);
	recording_cut__free(job->cut);
	job->cut = NULL;
	if (!err)
		err = render__folder(fd, recording__name(job->rec), &opt, &out);
	buf__free(&out.text);
	buf__free(&out.json);
	close(fd);
	return err;
}

static void work(struct watch_writer *w, struct watch_job *job, struct watch_result *res)
{
	uint64_t end_ns = recording_cut__end_ns(job->cut), timeout_ns;
	const char *exec;

	*res = (struct watch_result){.rec = job->rec, .reason = job->reason, .hook = -1};
	strcpy(res->dir, job->dir);
	res->err = write_capture(w, job);
	res->took_ns = clock__monotonic_ns() - end_ns;
	recording_cut__free(job->cut);
	if (res->err)
		return;
	/* one that cannot be looked at now is nobody's to remove later */
	if (capture_folder__look(job->dir, &res->folder))
		log_warn("'%s': cannot be read again; it will not be removed", job->dir);
	pthread_mutex_lock(&w->lock);
	exec = w->cfg.exec;
	timeout_ns = w->cfg.exec_timeout_ns;
	pthread_mutex_unlock(&w->lock);
	if (exec)
		res->hook = hook__run(exec, job->dir, &job->reason, timeout_ns, &w->hurry,
				      &res->hook_late);
}

static void *loop(void *ctx)
{
	struct watch_writer *w = ctx;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct watch_job job;
		struct watch_result res;

		while (!w->ending && (!w->job_cnt || w->result_cnt == RESULTS_MAX))
			pthread_cond_wait(&w->wake, &w->lock);
		if (w->ending)
			break;
		job = w->jobs[0];
		memmove(w->jobs, w->jobs + 1, --w->job_cnt * sizeof(job));
		w->working = true;
		pthread_mutex_unlock(&w->lock);
		work(w, &job, &res);
		pthread_mutex_lock(&w->lock);
		w->working = false;
		w->results[w->result_cnt++] = res;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int watch_writer__start(const struct watch_writer_config *cfg, struct watch_writer **out)
{
	struct watch_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->cfg = *cfg;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	err = -pthread_create(&w->thread, NULL, loop, w);
	if (err) {
		log_error("writer thread: %s", strerror(-err));
		free(w);
		return err;
	}
	*out = w;
	return 0;
}

int watch_writer__add(struct watch_writer *w, const struct watch_job *job)
{
	size_t of_it = 0;
	int err = 0;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->job_cnt; i++)
		of_it += w->jobs[i].rec == job->rec;
	if (of_it == WATCH_QUEUE_MAX || w->job_cnt == sizeof(w->jobs) / sizeof(w->jobs[0]))
		err = -EBUSY;
	else
		w->jobs[w->job_cnt++] = *job;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return err;
}

void watch_writer__hook(struct watch_writer *w, const char *exec, uint64_t timeout_ns)
{
	pthread_mutex_lock(&w->lock);
	w->cfg.exec = exec;
	w->cfg.exec_timeout_ns = timeout_ns;
	pthread_mutex_unlock(&w->lock);
}

bool watch_writer__done(struct watch_writer *w, struct watch_result *out)
{
	bool have;

	pthread_mutex_lock(&w->lock);
	have = w->result_cnt;
	if (have) {
		*out = w->results[0];
		memmove(w->results, w->results + 1, --w->result_cnt * sizeof(*out));
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return have;
}

bool watch_writer__busy(struct watch_writer *w)
{
	bool busy;

	pthread_mutex_lock(&w->lock);
	busy = w->job_cnt || w->working;
	pthread_mutex_unlock(&w->lock);
	return busy;
}

void watch_writer__free(struct watch_writer *w)
{
	if (!w)
		return;
	atomic_store(&w->hurry, true);
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	for (size_t i = 0; i < w->job_cnt; i++)
		recording_cut__free(w->jobs[i].cut);
	for (size_t i = 0; i < w->result_cnt; i++)
		capture_folder__free(&w->results[i].folder);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
}
