/* needs: detections_type */
/* Boxes of the best scores, of quantised ones. */
typedef struct {
  detections_t shape;
  float box_unit, score_unit;
  int32_t box_zero, score_zero;
} detections_s8_t;

static float detections_s8_box(const detections_s8_t *p, int8_t value) {
  return p->box_unit * (float)(value - p->box_zero);
}

static float detections_s8_score(const detections_s8_t *p, int8_t value) {
  return p->score_unit * (float)(value - p->score_zero);
}

DETECTIONS(detections_s8, int8_t)
