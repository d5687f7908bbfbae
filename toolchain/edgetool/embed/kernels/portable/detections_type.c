/* needs: math */
/* Of detections; outputs are boxes (top, left, bottom, right), classes, scores and their number, one after another. */
typedef struct {
  const float *anchors; /* [num_boxes][4]: centre and size, rows before columns */
  int32_t num_boxes, box_length, num_scores, num_classes, max_detections;
  float scale_y, scale_x, scale_h, scale_w;
  float score_threshold, overlap_threshold;
} detections_t;

/* The corners of a box that is told relative to its anchor. */
static void detections_corners(const detections_t *p, int32_t index, const float *given, float *corners) {
  const float *const anchor = p->anchors + index * 4;
  const float y = (float)((double)given[0] / (double)p->scale_y * (double)anchor[2] + (double)anchor[0]);
  const float x = (float)((double)given[1] / (double)p->scale_x * (double)anchor[3] + (double)anchor[1]);
  const float half_h = (float)(0.5 * exp((double)given[2] / (double)p->scale_h) * (double)anchor[2]);
  const float half_w = (float)(0.5 * exp((double)given[3] / (double)p->scale_w) * (double)anchor[3]);
  corners[0] = y - half_h;
  corners[1] = x - half_w;
  corners[2] = y + half_h;
  corners[3] = x + half_w;
}

/* What two boxes share, as part of what they cover together. */
static float detections_overlap(const float *a, const float *b) {
  const float area_a = (a[2] - a[0]) * (a[3] - a[1]), area_b = (b[2] - b[0]) * (b[3] - b[1]);
  if (area_a <= 0.0f || area_b <= 0.0f) {
    return 0.0f;
  }
  const float top = a[0] > b[0] ? a[0] : b[0], left = a[1] > b[1] ? a[1] : b[1];
  const float bottom = a[2] < b[2] ? a[2] : b[2], right = a[3] < b[3] ? a[3] : b[3];
  const float height = bottom - top > 0.0f ? bottom - top : 0.0f, width = right - left > 0.0f ? right - left : 0.0f;
  return height * width / (area_a + area_b - height * width);
}

/* Boxes of better scores come first, of equal ones the first. */
static int32_t detections_before(const float *scores, int32_t a, int32_t b) {
  return scores[a] > scores[b] || (!(scores[a] < scores[b]) && a < b);
}

/* Let the box at `at` sink until no better one is below it. */
static void detections_sink(const float *scores, int32_t *heap, int32_t count, int32_t at) {
  for (int32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && detections_before(scores, heap[child + 1], heap[child])) {
      ++child;
    }
    if (!detections_before(scores, heap[child], heap[at])) {
      return;
    }
    const int32_t box = heap[at];
    heap[at] = heap[child];
    heap[child] = box;
    at = child;
  }
}

/* Whether a box overlaps one of those that are taken already by more than is allowed. */
static int32_t detections_covered(const detections_t *p, const float *taken, int32_t num_taken, const float *corners) {
  for (int32_t i = 0; i < num_taken; ++i) {
    if (detections_overlap(taken + i * 4, corners) > p->overlap_threshold) {
      return 1;
    }
  }
  return 0;
}

/* Boxes whose best score is enough, as a heap in scratch behind the scores; returns their number. */
static int32_t detections_heap(const detections_t *p, const float *best, int32_t *heap) {
  int32_t count = 0;
  for (int32_t box = 0; box < p->num_boxes; ++box) {
    if (best[box] >= p->score_threshold) {
      heap[count++] = box;
    }
  }
  for (int32_t at = count / 2 - 1; at >= 0; --at) {
    detections_sink(best, heap, count, at);
  }
  return count;
}

/* Defines the kernel `name` of parameters `name_t`; `name_box` and `name_score` give the values of inputs. */
#define DETECTIONS(name, type)                                                                     \
  static int32_t name##_class(const name##_t *p, const type *scores) {                             \
    int32_t found = 0;                                                                             \
    for (int32_t i = 1; i < p->shape.num_classes; ++i) {                                           \
      found = name##_score(p, scores[i]) > name##_score(p, scores[found]) ? i : found;             \
    }                                                                                              \
    return found;                                                                                  \
  }                                                                                                \
  NOINLINE static void name(const name##_t *p, const type *boxes, const type *scores, float *output, void *scratch) { \
    const detections_t *const s = &p->shape;                                                       \
    float *const best = (float *)scratch;                                                          \
    int32_t *const heap = (int32_t *)(void *)(best + s->num_boxes);                                \
    const type *const first = scores + (s->num_scores - s->num_classes);                           \
    for (int32_t box = 0; box < s->num_boxes; ++box) {                                             \
      const type *const own = first + box * s->num_scores;                                         \
      best[box] = name##_score(p, own[name##_class(p, own)]);                                      \
    }                                                                                              \
    int32_t count = detections_heap(s, best, heap), num_taken = 0;                                 \
    memset(output, 0, (size_t)(6 * s->max_detections + 1) * sizeof *output);                       \
    float *const classes = output + 4 * s->max_detections;                                         \
    while (count > 0 && num_taken < s->max_detections) {                                           \
      const int32_t box = heap[0];                                                                 \
      heap[0] = heap[--count];                                                                     \
      detections_sink(best, heap, count, 0);                                                       \
      float given[4], *const corners = output + 4 * num_taken;                                     \
      for (int32_t i = 0; i < 4; ++i) {                                                            \
        given[i] = name##_box(p, boxes[box * s->box_length + i]);                                  \
      }                                                                                            \
      detections_corners(s, box, given, corners);                                                  \
      if (detections_covered(s, output, num_taken, corners) != 0) {                                \
        continue;                                                                                  \
      }                                                                                            \
      classes[num_taken] = (float)name##_class(p, first + box * s->num_scores);                    \
      classes[s->max_detections + num_taken] = best[box];                                          \
      ++num_taken;                                                                                 \
    }                                                                                              \
    for (int32_t i = 4 * num_taken; i < 4 * s->max_detections; ++i) {                              \
      output[i] = 0.0f;                                                                            \
    }                                                                                              \
    output[6 * s->max_detections] = (float)num_taken;                                              \
  }
