"""How long texts are cut into chunks that a model can read: the settings, and the cutting."""
