"""Static files: hashed names, compressed copies, and imports between ES modules rewritten to the hashed names."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
