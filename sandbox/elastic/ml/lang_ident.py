"""The model that every cluster contains. It is shown as in the real service, but cannot be called here."""

from __future__ import annotations

from typing import Any

MODEL = "lang_ident_model_1"
_BYTES = 1_053_992
RECORD: dict[str, Any] = {
    "config": {
        "model_id": MODEL,
        "model_type": "lang_ident",
        "created_by": "_xpack",
        "version": "7.6.0",
        "create_time": 1575548914594,
        "model_size_bytes": _BYTES,
        "estimated_operations": 39629,
        "license_level": "basic",
        "description": "Model used for identifying language from arbitrary input text.",
        "tags": ["prepackaged"],
        "metadata": {},
        "input": {"field_names": ["text"]},
        "inference_config": {
            "classification": {
                "num_top_classes": 5,
                "top_classes_results_field": "top_classes",
                "results_field": "predicted_value",
                "num_top_feature_importance_values": 0,
                "prediction_field_type": "string",
            }
        },
    },
    "parts": {"0": _BYTES},
    "total_parts": 1,
    "vocabulary": 0,
    "stalled": False,
}
"""As models.py stores one. Version, time and operations are the real ones, the other numbers are from memory."""
