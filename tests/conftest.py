pytest_plugins = ["databases", "nova"]
