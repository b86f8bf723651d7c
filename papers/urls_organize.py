"""Addresses of the organizers' pages of the programme."""

from django.urls import path

from .views import editing, imports, organize

urlpatterns = [
    path("", organize.organize, name="organize"),
    path("edits/", editing.edits, name="edits"),
    path("edits/<int:edit_id>/<str:action>/", editing.edit_action, name="edit_action"),
    path("imports/", imports.import_list, name="imports"),
    path("imports/<uuid:import_id>/", imports.import_page, name="import"),
    path("imports/<uuid:import_id>/apply/", imports.import_action, {"action": "apply"}, name="apply_import"),
    path("imports/<uuid:import_id>/discard/", imports.import_action, {"action": "discard"}, name="discard_import"),
    path("imports/<uuid:import_id>/undo/", imports.import_action, {"action": "undo"}, name="undo_import"),
]
