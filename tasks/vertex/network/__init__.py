"""The network of a private endpoint: APIs, VPC, firewall rules, the peering with Google's services, Private Service Connect."""
