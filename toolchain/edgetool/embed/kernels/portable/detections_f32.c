/* needs: detections_type */
/* Boxes of the best scores. */
typedef struct {
  detections_t shape;
} detections_f32_t;

static float detections_f32_box(const detections_f32_t *p, float value) {
  (void)p;
  return value;
}

static float detections_f32_score(const detections_f32_t *p, float value) {
  (void)p;
  return value;
}

DETECTIONS(detections_f32, float)
