"""Pages of the programme. Each view reads its request, asks queries and rules, and renders one template."""
